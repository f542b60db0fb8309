/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point and vector state of user programs.  The kernel itself uses
 * none.
 */
#ifndef _X86_FPU_H_
#define	_X86_FPU_H_

#include <sys/types.h>

struct lwp;

/* Memory layout of FXSAVE, and of XSAVE's first 576 bytes. */
#define	FXSAVE_SIZE	512
struct fxsave_area {
	uint16_t	fx_fcw, fx_fsw;
	uint8_t		fx_ftw, fx_zero;
	uint16_t	fx_fop;
	uint64_t	fx_rip, fx_rdp;
	uint32_t	fx_mxcsr, fx_mxcsr_mask;
	uint8_t		fx_st[8][16];
	uint8_t		fx_xmm[16][16];
	uint8_t		fx_reserved[48];
	uint8_t		fx_software[48];	/* ours or the ABI's to use */
};
struct xsave_header {
	uint64_t	xh_xstate_bv, xh_xcomp_bv, xh_reserved[6];
};

void	fpu_init(void);			/* boot CPU, after cpuid_init() */
void	fpu_init_cpu(void);		/* each further CPU */

/* Context switch, interrupts off. */
void	fpu_switch(struct lwp *from, struct lwp *to);
/* Get the registers of curlwp into its area; they stay loaded. */
void	fpu_sync(struct lwp *);
/* A thread's area.  Thread context; ENOMEM. */
int	fpu_alloc(struct lwp *);
void	fpu_free(struct lwp *);
/* The child gets what curlwp has now; nothing if it has none. */
void	fpu_fork(struct lwp *parent, struct lwp *child);
/*
 * curlwp, interrupts off: from now on its registers are in its area only, for
 * others to look at and change; and back again.
 */
void	fpu_park(struct lwp *);
void	fpu_unpark(struct lwp *);
/* Back to the state of a fresh program; curlwp only. */
void	fpu_reset(struct lwp *);

/*
 * Copy the state of curlwp or of a stopped thread to buf, size at least
 * fpu_state_size(): FXSAVE layout, then XSAVE's header and components if the
 * CPU has them.  For signal frames and ptrace.
 */
size_t	fpu_state_size(void);
void	fpu_get_state(struct lwp *, void *buf);
/*
 * Take a state over, after checking it: EINVAL if the header or MXCSR has
 * bits the CPU would refuse, or size is neither FXSAVE_SIZE nor
 * fpu_state_size().  Components a short one does not have are reset.
 */
int	fpu_set_state(struct lwp *, const void *buf, size_t size);
/* si_code of SIGFPE after #MF, or #XM with simd. */
int	fpu_sigcode(struct lwp *, bool simd);

#endif /* !_X86_FPU_H_ */
