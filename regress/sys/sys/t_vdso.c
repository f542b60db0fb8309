/* SPDX-License-Identifier: BSD-2-Clause */
/* From TSC to time, as the kernel and the vDSO both compute it. */
/* sources: */
#include <sys/vdso.h>

#include <ktest.h>

/* The same by another way: in steps of less than 2^32. */
static uint64_t
slow_scale(uint64_t delta, uint32_t mul, int shift)
{
	uint64_t whole = 0, frac = 0;

	delta = shift < 0 ? delta >> -shift : delta << shift;
	for (int bit = 63; bit >= 0; bit--) {
		whole = whole * 2 + (frac * 2 >> 32);
		frac = frac * 2 & 0xffffffff;
		if ((delta >> bit & 1) != 0) {
			whole += (frac + mul) >> 32;
			frac = (frac + mul) & 0xffffffff;
		}
	}
	return whole;
}

TEST(scale)
{
	static const uint32_t muls[] = { 1, 0x80000000, 0xaaaaaaab,
		0xfffffff0, 0xffffffff };
	static const int shifts[] = { -7, -1, 0, 1, 3 };
	uint64_t delta = 1;

	for (unsigned int i = 0; i < 56; i++, delta = delta * 2 + i % 3) {
		for (unsigned int m = 0; m < __arraycount(muls); m++)
			for (unsigned int s = 0; s < __arraycount(shifts); s++)
				CHECK_EQ(vdso_tsc_scale(delta, muls[m],
				    shifts[s]), slow_scale(delta, muls[m],
				    shifts[s]));
	}
}

TEST(nsec)
{
	struct vdso_tsc vc = {
		.vc_stamp = 1000, .vc_nsec = 50, .vc_mul = 0x80000000,
		.vc_shift = 1
	};

	CHECK_EQ(vdso_tsc_nsec(&vc, 1000), 50);
	CHECK_EQ(vdso_tsc_nsec(&vc, 1700), 750);
	/* Behind the stamp: no time has passed. */
	CHECK_EQ(vdso_tsc_nsec(&vc, 999), 50);
	CHECK_EQ(vdso_tsc_nsec(&vc, 0), 50);
	/* The stamp lies before the counter's end, the TSC behind it. */
	vc.vc_stamp = ~(uint64_t)0 - 9;
	CHECK_EQ(vdso_tsc_nsec(&vc, 90), 150);
	vc.vc_shift = -2;
	CHECK_EQ(vdso_tsc_nsec(&vc, 90), 62);
}
