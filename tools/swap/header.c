// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What mkswap(8) writes: the first page of an area, in the machine's byte order. */
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"

/* Of the kernel's union swap_header, version 1. */
struct header {
	char boot_sector[1024];
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
	uint8_t uuid[AERO_UUID_BYTES];
	char label[16];
};

_Static_assert(sizeof(struct header) == 1024 + 3 * 4 + 32, "as the kernel has it");

/* The last bytes of the page. */
static const char signature[10] = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'};

#define PAGE_MAX_BYTES 65536U

static size_t page_bytes(void)
{
	long bytes = sysconf(_SC_PAGESIZE);

	return bytes > 0 && bytes <= (long)PAGE_MAX_BYTES ? (size_t)bytes : 4096;
}

int aero_header_write(int fd, uint64_t bytes, const uint8_t *uuid)
{
	static char page[PAGE_MAX_BYTES];
	size_t size = page_bytes();
	struct header header = {.version = 1, .label = "aerostat"};
	ssize_t n;

	if (bytes / size < 10 || bytes / size > UINT32_MAX)
		return -EINVAL;
	header.last_page = (uint32_t)(bytes / size - 1);
	memcpy(header.uuid, uuid, AERO_UUID_BYTES);
	memset(page, 0, size);
	memcpy(page, &header, sizeof(header));
	memcpy(page + size - sizeof(signature), signature, sizeof(signature));
	n = pwrite(fd, page, size, 0);
	if (n < 0)
		return -errno;
	if ((size_t)n != size)
		return -EIO;
	return fsync(fd) ? -errno : 0;
}

/*
 * An area is a file that only its owner may read and write, or a block device; and it is
 * root's.  Others could have copied the UUID, which is not secret.
 */
static bool is_trusted(const char *root, const struct aero_area *area, const struct stat *st)
{
	if (!aero_os_owned(root, st))
		return false;
	/* In a folder that plays the machine a device is a file. */
	if (area->zram >= 0 && !*root)
		return S_ISBLK(st->st_mode);
	return S_ISREG(st->st_mode) && !(st->st_mode & (S_IRWXG | S_IRWXO));
}

/*
 * What lies at the path is looked at before it is opened: opening a FIFO would wait for a
 * writer, and opening a device may do anything.
 */
static int open_trusted(const char *root, const struct aero_area *area)
{
	char path[2 * AERO_PATH_MAX], link[64];
	struct stat st;
	int place, fd = -1;

	snprintf(path, sizeof(path), "%s%s", root, area->path);
	place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (place < 0)
		return -1;
	if (!fstat(place, &st) && is_trusted(root, area, &st)) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
		fd = open(link, O_RDONLY | O_CLOEXEC);
	}
	close(place);
	return fd;
}

int aero_header_open(const char *root, const struct aero_area *area)
{
	int fd = open_trusted(root, area);
	struct header header;

	if (fd < 0)
		return -1;
	if (pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	    !memcmp(header.uuid, area->uuid, AERO_UUID_BYTES))
		return fd;
	close(fd);
	return -1;
}

bool aero_header_is(const char *root, const struct aero_area *area)
{
	int fd = aero_header_open(root, area);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A device that was given no size has no first page at all. */
bool aero_header_blank(const char *root, const struct aero_area *area)
{
	static char page[PAGE_MAX_BYTES];
	int fd = open_trusted(root, area);
	size_t size = page_bytes();
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, page, size, 0);
	close(fd);
	return !n || (n == (ssize_t)size && !page[0] && !memcmp(page, page + 1, size - 1));
}
