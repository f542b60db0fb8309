/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: a ring of pages between readers and writers.
 *
 * Overview: the ring's pages come with the bytes and go when they have been
 * read, so that an empty pipe costs one page at most.  A write of up to
 * PIPE_BUF bytes goes in whole or not at all; a longer one in pieces.
 *
 * Locking: pi_lock (sleeping, [l]) guards everything, also over the copies to
 * and from user memory: a reader that faults makes writers of that pipe wait.
 */
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/pipe.h>
#include <sys/systm.h>
#include <sys/uio.h>

static size_t
npages(const struct pipe *pi)
{
	return pi->pi_size / PAGE_SIZE;
}

int
pipe_create(struct pipe **pip)
{
	struct pipe *pi;

	pi = kmem_zalloc(sizeof(*pi), KM_SLEEP);
	if (pi == NULL)
		return ENOMEM;
	pi->pi_size = PIPE_DEFSIZE;
	pi->pi_pages = kmem_zalloc(npages(pi) * sizeof(char *), KM_SLEEP);
	if (pi->pi_pages == NULL) {
		kmem_free(pi, sizeof(*pi));
		return ENOMEM;
	}
	mutex_init(&pi->pi_lock, "pipe");
	cv_init(&pi->pi_rcv, "pipe_read");
	cv_init(&pi->pi_wcv, "pipe_write");
	cv_init(&pi->pi_opencv, "fifo_open");
	pollhead_init(&pi->pi_poll);
	*pip = pi;
	return 0;
}

void
pipe_destroy(struct pipe *pi)
{
	size_t i;

	KASSERT(pi->pi_readers == 0 && pi->pi_writers == 0);
	for (i = 0; i < npages(pi); i++)
		if (pi->pi_pages[i] != NULL)
			kmem_free(pi->pi_pages[i], PAGE_SIZE);
	if (pi->pi_spare != NULL)
		kmem_free(pi->pi_spare, PAGE_SIZE);
	kmem_free(pi->pi_pages, npages(pi) * sizeof(char *));
	pollhead_destroy(&pi->pi_poll);
	cv_destroy(&pi->pi_rcv);
	cv_destroy(&pi->pi_wcv);
	cv_destroy(&pi->pi_opencv);
	mutex_destroy(&pi->pi_lock);
	kmem_free(pi, sizeof(*pi));
}

/*
 * Bytes that can be put in.  What was read of the first page does not count:
 * the last bytes never share a page with the first.  An empty pipe begins at
 * a page. [l]
 */
static size_t
space(const struct pipe *pi)
{
	return pi->pi_size - pi->pi_head % PAGE_SIZE - pi->pi_count;
}

/* The page of that slot was read to its end. [l] */
static void
page_done(struct pipe *pi, size_t slot)
{
	char *pg = pi->pi_pages[slot];

	pi->pi_pages[slot] = NULL;
	if (pi->pi_spare == NULL)
		pi->pi_spare = pg;
	else
		kmem_free(pg, PAGE_SIZE);
}

/* The page to write at ring position pos; NULL: no memory. [l] */
static char *
page_at(struct pipe *pi, size_t pos)
{
	char **pgp = &pi->pi_pages[pos / PAGE_SIZE];

	if (*pgp == NULL) {
		*pgp = pi->pi_spare;
		pi->pi_spare = NULL;
		if (*pgp == NULL)
			*pgp = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	}
	return *pgp;
}

/* n bytes at the head, all of one page, have been read. [l] */
static void
advance(struct pipe *pi, size_t n)
{
	size_t off = pi->pi_head % PAGE_SIZE;

	pi->pi_count -= n;
	/* Begin a page anew when it is empty: fewer in use. */
	if (off + n == PAGE_SIZE || (pi->pi_count == 0 && n > 0)) {
		page_done(pi, pi->pi_head / PAGE_SIZE);
		pi->pi_head += PAGE_SIZE - off;
	} else {
		pi->pi_head += n;
	}
	if (pi->pi_head >= pi->pi_size)
		pi->pi_head -= pi->pi_size;
}

/* Move what is there, at most what is wanted. [l] */
static int
take(struct pipe *pi, struct uio *uio)
{
	size_t off, n, left;
	int error;

	while (pi->pi_count > 0 && uio->uio_resid > 0) {
		off = pi->pi_head % PAGE_SIZE;
		n = MIN(PAGE_SIZE - off, pi->pi_count);
		left = uio->uio_resid;
		error = uiomove(pi->pi_pages[pi->pi_head / PAGE_SIZE] + off, n,
		    uio);
		advance(pi, left - uio->uio_resid);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Wait until there is something to read: *eof says that nothing comes. [l] */
static int
wait_data(struct pipe *pi, bool nonblock, bool *eof)
{
	int error;

	*eof = false;
	while (pi->pi_count == 0 || pi->pi_borrowed) {
		if (pi->pi_count == 0 && pi->pi_writers == 0) {
			*eof = true;
			return 0;
		}
		if (nonblock)
			return EAGAIN;
		error = cv_wait_sig(&pi->pi_rcv, &pi->pi_lock);
		if (error != 0)
			return error;
	}
	return 0;
}

int
pipe_read(struct pipe *pi, struct uio *uio, bool nonblock)
{
	size_t before;
	bool eof;
	int error;

	if (uio->uio_resid == 0)
		return 0;
	mutex_enter(&pi->pi_lock);
	error = wait_data(pi, nonblock, &eof);
	if (error != 0 || eof)
		goto out;
	before = pi->pi_count;
	error = take(pi, uio);
	if (pi->pi_count != before) {
		cv_broadcast(&pi->pi_wcv);
		pollwakeup(&pi->pi_poll, POLLOUT | POLLWRNORM);
		if (pi->pi_count > 0)
			cv_signal(&pi->pi_rcv);
	}
out:
	mutex_exit(&pi->pi_lock);
	return error;
}

int
pipe_borrow(struct pipe *pi, char *buf, size_t n, bool nonblock, size_t *got)
{
	size_t pos, k;
	bool eof;
	int error;

	*got = 0;
	mutex_enter(&pi->pi_lock);
	error = wait_data(pi, nonblock, &eof);
	if (error == 0 && !eof) {
		n = MIN(n, pi->pi_count);
		pos = pi->pi_head;
		while (*got < n) {
			k = MIN(PAGE_SIZE - pos % PAGE_SIZE, n - *got);
			memcpy(buf + *got, pi->pi_pages[pos / PAGE_SIZE] +
			    pos % PAGE_SIZE, k);
			*got += k;
			pos += k;
			if (pos >= pi->pi_size)
				pos -= pi->pi_size;
		}
		pi->pi_borrowed = true;
	}
	mutex_exit(&pi->pi_lock);
	return error;
}

void
pipe_return(struct pipe *pi, size_t used)
{
	size_t k;

	mutex_enter(&pi->pi_lock);
	KASSERT(pi->pi_borrowed && used <= pi->pi_count);
	pi->pi_borrowed = false;
	for (; used > 0; used -= k) {
		k = MIN(PAGE_SIZE - pi->pi_head % PAGE_SIZE, used);
		advance(pi, k);
	}
	cv_broadcast(&pi->pi_rcv);
	cv_broadcast(&pi->pi_wcv);
	pollwakeup(&pi->pi_poll, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
	mutex_exit(&pi->pi_lock);
}

int
pipe_wait_room(struct pipe *pi, bool nonblock, size_t *n)
{
	int error = 0;

	mutex_enter(&pi->pi_lock);
	while (error == 0) {
		*n = space(pi);
		/* What cannot be written is found out by writing. */
		if (*n > 0 || pi->pi_readers == 0)
			break;
		error = nonblock ? EAGAIN :
		    cv_wait_sig(&pi->pi_wcv, &pi->pi_lock);
	}
	if (pi->pi_readers == 0)
		*n = 1;
	mutex_exit(&pi->pi_lock);
	return error;
}

/* Move n bytes in; there is room for them. [l] */
static int
put(struct pipe *pi, struct uio *uio, size_t n)
{
	size_t pos, off, cnt, left;
	char *pg;
	int error = 0;

	while (n > 0 && error == 0) {
		pos = pi->pi_head + pi->pi_count;
		if (pos >= pi->pi_size)
			pos -= pi->pi_size;
		off = pos % PAGE_SIZE;
		cnt = MIN(PAGE_SIZE - off, n);
		pg = page_at(pi, pos);
		if (pg == NULL)
			return ENOMEM;
		left = uio->uio_resid;
		error = uiomove(pg + off, cnt, uio);
		cnt = left - uio->uio_resid;
		pi->pi_count += cnt;
		n -= cnt;
		if (cnt == 0 && off == 0)
			page_done(pi, pos / PAGE_SIZE);
	}
	return error;
}

/* Room to go on writing.  A short write needs all it wants at once. [l] */
static size_t
room(const struct pipe *pi, size_t want)
{
	size_t n = space(pi);

	return want <= PIPE_BUF && n < want ? 0 : n;
}

int
pipe_write(struct pipe *pi, struct uio *uio, bool nonblock)
{
	size_t n, want = uio->uio_resid;
	int error = 0;

	if (want == 0)
		return 0;
	mutex_enter(&pi->pi_lock);
	while (uio->uio_resid > 0) {
		if (pi->pi_readers == 0) {
			error = EPIPE;
			break;
		}
		n = room(pi, want);
		if (n > 0) {
			n = MIN(n, uio->uio_resid);
			error = put(pi, uio, n);
			cv_signal(&pi->pi_rcv);
			pollwakeup(&pi->pi_poll, POLLIN | POLLRDNORM);
			if (error != 0)
				break;
			continue;
		}
		if (nonblock) {
			error = EAGAIN;
			break;
		}
		error = cv_wait_sig(&pi->pi_wcv, &pi->pi_lock);
		if (error != 0)
			break;
	}
	/* Another writer may go on with what we left. */
	if (space(pi) > 0)
		cv_signal(&pi->pi_wcv);
	mutex_exit(&pi->pi_lock);
	return error;
}

unsigned int
pipe_poll(struct pipe *pi, bool reader, bool writer, struct pollentry *pe)
{
	unsigned int ev = 0;

	poll_record(&pi->pi_poll, pe);
	mutex_enter(&pi->pi_lock);
	if (reader) {
		if (pi->pi_count > 0)
			ev |= POLLIN | POLLRDNORM;
		if (pi->pi_writers == 0 && pi->pi_wopens > 0)
			ev |= POLLHUP;
	}
	if (writer) {
		if (space(pi) >= PIPE_BUF)
			ev |= POLLOUT | POLLWRNORM;
		if (pi->pi_readers == 0)
			ev |= POLLERR;
	}
	mutex_exit(&pi->pi_lock);
	return ev;
}

size_t
pipe_count(struct pipe *pi)
{
	size_t n;

	mutex_enter(&pi->pi_lock);
	n = pi->pi_count;
	mutex_exit(&pi->pi_lock);
	return n;
}

int
pipe_resize(struct pipe *pi, size_t want, size_t *result)
{
	char **pages, **old;
	size_t size = PAGE_SIZE, oldsize, used, i, from;

	while (size < want && size < (size_t)1 << 31)
		size *= 2;
	if (size < want)
		return EINVAL;
	pages = kmem_zalloc(size / PAGE_SIZE * sizeof(char *), KM_SLEEP);
	if (pages == NULL)
		return ENOMEM;
	mutex_enter(&pi->pi_lock);
	from = pi->pi_head / PAGE_SIZE;
	used = howmany(pi->pi_head % PAGE_SIZE + pi->pi_count, PAGE_SIZE);
	old = pi->pi_pages;
	oldsize = pi->pi_size;
	if (used > size / PAGE_SIZE) {
		mutex_exit(&pi->pi_lock);
		kmem_free(pages, size / PAGE_SIZE * sizeof(char *));
		return EBUSY;
	}
	for (i = 0; i < used; i++)
		pages[i] = old[(from + i) % (oldsize / PAGE_SIZE)];
	pi->pi_head %= PAGE_SIZE;
	pi->pi_pages = pages;
	pi->pi_size = size;
	*result = size;
	cv_broadcast(&pi->pi_wcv);
	pollwakeup(&pi->pi_poll, POLLOUT | POLLWRNORM);
	mutex_exit(&pi->pi_lock);
	kmem_free(old, oldsize / PAGE_SIZE * sizeof(char *));
	return 0;
}

/*
 * Whether the other end is there is looked at in one go with our coming: what
 * came for us may have written and gone when we look again.
 */
int
pipe_open_end(struct pipe *pi, bool reader, bool writer, bool wait)
{
	const unsigned int *peers = reader ? &pi->pi_writers : &pi->pi_readers;
	const unsigned int *opens = reader ? &pi->pi_wopens : &pi->pi_ropens;
	unsigned int seen;
	int error = 0;

	mutex_enter(&pi->pi_lock);
	if (reader) {
		pi->pi_readers++;
		pi->pi_ropens++;
	}
	if (writer) {
		pi->pi_writers++;
		pi->pi_wopens++;
	}
	cv_broadcast(&pi->pi_opencv);
	seen = *opens;
	if (wait && *peers == 0)
		while (error == 0 && *opens == seen)
			error = cv_wait_sig(&pi->pi_opencv, &pi->pi_lock);
	mutex_exit(&pi->pi_lock);
	if (error != 0)
		pipe_close_end(pi, reader, writer);
	return error;
}

/* Nobody has it open any more: what is in it is lost. [l] */
static void
discard(struct pipe *pi)
{
	size_t i;

	for (i = 0; i < npages(pi); i++)
		if (pi->pi_pages[i] != NULL)
			page_done(pi, i);
	pi->pi_head = 0;
	pi->pi_count = 0;
}

void
pipe_close_end(struct pipe *pi, bool reader, bool writer)
{
	mutex_enter(&pi->pi_lock);
	if (reader)
		pi->pi_readers--;
	if (writer)
		pi->pi_writers--;
	if (pi->pi_readers == 0 || pi->pi_writers == 0) {
		cv_broadcast(&pi->pi_rcv);
		cv_broadcast(&pi->pi_wcv);
		pollwakeup(&pi->pi_poll, POLLIN | POLLOUT | POLLHUP | POLLERR);
	}
	if (pi->pi_readers == 0 && pi->pi_writers == 0)
		discard(pi);
	mutex_exit(&pi->pi_lock);
}
