/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal on the disk (jbd2).  All numbers are big-endian.
 */
#ifndef _FS_EXT4_EXT4_JBD_H_
#define	_FS_EXT4_EXT4_JBD_H_

#include <sys/assert.h>
#include <sys/types.h>

#define	JBD_MAGIC		0xc03b3998U
#define	JBD_DESCRIPTOR		1
#define	JBD_COMMIT		2
#define	JBD_SUPER_V1		3
#define	JBD_SUPER_V2		4
#define	JBD_REVOKE		5

struct jbd_header {
	uint32_t	h_magic;
	uint32_t	h_blocktype;
	uint32_t	h_sequence;
};

struct jbd_sb {
	struct jbd_header s_header;
	uint32_t	s_blocksize;
	uint32_t	s_maxlen;
	uint32_t	s_first;
	uint32_t	s_sequence;
	uint32_t	s_start;	/* 0: empty */
	uint32_t	s_errno;
	/* Version 2. */
	uint32_t	s_feature_compat;
	uint32_t	s_feature_incompat;
	uint32_t	s_feature_ro_compat;
	uint8_t		s_uuid[16];
	uint32_t	s_nr_users;
	uint32_t	s_dynsuper;
	uint32_t	s_max_transaction;
	uint32_t	s_max_trans_data;
	uint8_t		s_checksum_type;
	uint8_t		s_padding2[3];
	uint32_t	s_num_fc_blks;
	uint32_t	s_head;
	uint32_t	s_padding[40];
	uint32_t	s_checksum;
	uint8_t		s_users[16 * 48];
};
CTASSERT(sizeof(struct jbd_sb) == 1024);

#define	JBD_COMPAT_CHECKSUM	0x1
#define	JBD_INC_REVOKE		0x1
#define	JBD_INC_64BIT		0x2
#define	JBD_INC_ASYNC		0x4
#define	JBD_INC_CSUM_V2		0x8
#define	JBD_INC_CSUM_V3		0x10
#define	JBD_INC_FAST_COMMIT	0x20
#define	JBD_INC_SUPPORTED	(JBD_INC_REVOKE | JBD_INC_64BIT |	\
	JBD_INC_ASYNC | JBD_INC_CSUM_V2 | JBD_INC_CSUM_V3)
#define	JBD_CSUM_CRC32C		4

struct jbd_tag3 {			/* with CSUM_V3 */
	uint32_t	t_blocknr;
	uint32_t	t_flags;
	uint32_t	t_blocknr_hi;
	uint32_t	t_checksum;
};
struct jbd_tag {
	uint32_t	t_blocknr;
	uint16_t	t_checksum;
	uint16_t	t_flags;
	uint32_t	t_blocknr_hi;	/* with 64BIT */
};
#define	JBD_TAG_ESCAPE		0x1	/* the magic was taken out */
#define	JBD_TAG_SAME_UUID	0x2	/* no uuid follows */
#define	JBD_TAG_DELETED		0x4
#define	JBD_TAG_LAST		0x8

struct jbd_tail {
	uint32_t	t_checksum;
};

struct jbd_revoke {
	struct jbd_header r_header;
	uint32_t	r_count;	/* bytes in use, this header too */
};

struct jbd_commit {
	struct jbd_header c_header;
	uint8_t		c_chksum_type;
	uint8_t		c_chksum_size;
	uint8_t		c_padding[2];
	uint32_t	c_chksum[8];
	uint64_t	c_sec;
	uint32_t	c_nsec;
};

static inline uint32_t
be32(uint32_t v)
{
	return __builtin_bswap32(v);
}

static inline uint16_t
be16(uint16_t v)
{
	return __builtin_bswap16(v);
}

static inline uint64_t
be64(uint64_t v)
{
	return __builtin_bswap64(v);
}

#endif /* !_FS_EXT4_EXT4_JBD_H_ */
