/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file system should hold: a few directories with files of which every
 * byte is known, and random operations on both.
 */
#ifndef _EXT4_MODEL_H_
#define	_EXT4_MODEL_H_

void	model_reset(void);
/* So many random operations on the mounted file system and on the model. */
void	model_run(unsigned int);
/* Is everything there, and nothing else? */
void	model_check(void);

#endif /* !_EXT4_MODEL_H_ */
