/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Another kernel takes the guest over without the machine noticing it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

static int load(const char *kernel, const char *initrd, const char *parameters)
{
	int files[2] = {open(kernel, O_RDONLY | O_CLOEXEC), open(initrd, O_RDONLY | O_CLOEXEC)};
	int err = 0;

	if (files[0] < 0 || files[1] < 0 ||
	    syscall(SYS_kexec_file_load, files[0], files[1], strlen(parameters) + 1, parameters,
		    0UL))
		err = errno;
	for (int i = 0; i < 2; i++)
		if (files[i] >= 0)
			close(files[i]);
	return err;
}

/*
 * kexec KERNEL INITRD [PARAMETERS]: boots another kernel.  The answer comes before it starts, and
 * is an errno if it could not be loaded; the new kernel's agent says that it is up as after a boot.
 */
void do_kexec(unsigned int id, char *args)
{
	const char *kernel = strsep(&args, " "), *initrd = args ? strsep(&args, " ") : NULL;
	int err;

	if (!initrd) {
		answer_text(id, STATUS_BAD, "usage: kexec KERNEL INITRD [PARAMETERS]");
		return;
	}
	err = load(kernel, initrd, args ? args : "");
	answer_text(id, err, "%s", err ? strerror(err) : "");
	if (!err)
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
}
