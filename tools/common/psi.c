// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "psi.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SECOND_US 1000000U

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345" */
static bool total_of(const char *text, const char *which, uint64_t *us)
{
	const char *line = strstr(text, which), *end, *total;
	char digits[24];
	size_t n;

	if (!line)
		return false;
	end = strchrnul(line, '\n');
	total = strstr(line, " total=");
	if (!total || total > end)
		return false;
	total += strlen(" total=");
	n = strspn(total, "0123456789");
	if (n >= sizeof(digits) || total + n != end)
		return false;
	memcpy(digits, total, n);
	digits[n] = 0;
	return aero_parse(digits, UINT64_MAX, us);
}

bool aero_psi_parse(const char *text, struct aero_psi *psi)
{
	return total_of(text, "some ", &psi->some_us) && total_of(text, "full ", &psi->full_us);
}

int aero_psi_read(const char *root, struct aero_psi *now)
{
	char text[512];
	int err = aero_read(root, AERO_PSI_FILE, text, sizeof(text));

	/* Not compiled in, or switched off at boot: there is no file, or it can't be read. */
	if (err == -ENOENT || err == -ENODEV)
		return -EOPNOTSUPP;
	if (err)
		return err;
	now->at_us = aero_now_us();
	return aero_psi_parse(text, now) ? 0 : -EPROTO;
}

/* A counter that begins anew has not counted backwards. */
static uint64_t since(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static uint32_t permille(uint64_t before_us, uint64_t now_us, uint64_t own_us, uint64_t passed_us)
{
	uint64_t waited_us = since(own_us, since(before_us, now_us));

	if (waited_us >= passed_us)
		return passed_us ? 1000 : 0;
	return (uint32_t)(waited_us * 1000 / passed_us);
}

struct aero_stall aero_psi_stall(const struct aero_psi *before, const struct aero_psi *now,
				 uint64_t own_us)
{
	uint64_t passed_us = since(before->at_us, now->at_us);
	struct aero_stall stall = {
		.some_permille = permille(before->some_us, now->some_us, own_us, passed_us),
		.full_permille = permille(before->full_us, now->full_us, own_us, passed_us),
	};

	/* The kernel sums the two up apart from each other. */
	if (stall.full_permille > stall.some_permille)
		stall.full_permille = stall.some_permille;
	return stall;
}

bool aero_psi_is_urgent(const struct aero_psi *before, const struct aero_psi *now, uint64_t own_us)
{
	uint64_t passed_us = since(before->at_us, now->at_us);

	if (passed_us < SECOND_US)
		passed_us = SECOND_US;
	return since(own_us, since(before->some_us, now->some_us)) >
	       passed_us * AERO_PSI_URGENT_PERMILLE / 1000;
}

/* In microseconds of a window of a second. */
_Static_assert(AERO_PSI_URGENT_PERMILLE == 40, "the text below");
#define TRIGGER "some 40000 1000000"

int aero_psi_trigger(const char *root)
{
	int fd, err;

	/* A file in a folder is no trigger, and must stay as it is. */
	if (*root)
		return -ENOTSUP;
	fd = open(AERO_PSI_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* With the NUL, as the kernel's documents have it. */
	if (write(fd, TRIGGER, sizeof(TRIGGER)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}
