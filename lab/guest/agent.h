/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the guests' init share.  agent.c calls the others; none of them calls it. */
#ifndef AEROSTAT_LAB_GUEST_AGENT_H
#define AEROSTAT_LAB_GUEST_AGENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MIB	   (1024UL * 1024)
#define PAGE	   page_bytes

#define STATUS_BAD 125 /* the request itself is wrong */

/* ---- helpers.c ---- */

int64_t now_ms(void); /* monotonic */

/* A decimal number of at most max at *at; advances *at past it and blanks. */
bool take_number(char **at, uint64_t max, uint64_t *out);
bool take_word(char **at, const char *word);

bool write_file(const char *path, const char *text, size_t length);
/* A small file as a string; empty when it can't be read.  Returns its length. */
size_t read_text(const char *path, char *text, size_t room);

/* The caller's OOM score, from "-1000" (never killed) to "1000". */
void set_victim(const char *score);

/* The field of /proc/meminfo in pages; 0 when it is not there. */
uint64_t meminfo_pages(const char *name);
void *map_pages(size_t pages, int flags);

/* The kernel's page; main() sets it. */
extern size_t page_bytes;

/* ---- answer.c ---- */

typedef void (*answer_sink)(unsigned int id, int status, const char *text, size_t length);

/* Where answers go: as frames to a file descriptor, or to a function. */
void answer_on(int fd);
void answer_to(answer_sink to);

/* Answers request `id`; ID 0 marks an unsolicited message. */
void answer(unsigned int id, int status, const char *text, size_t length);
void answer_text(unsigned int id, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- jobs.c ---- */

#define JOBS 16

/* In a child: standard streams, default signals, its own group, a normal OOM score. */
void child_setup(int output);

/* Forks a child whose output and end the main loop awaits; true in the child. */
bool job_fork(unsigned int id, uint64_t timeout_ms);

void do_sh(unsigned int id, uint64_t timeout_ms, const char *command);

void jobs_poll(struct pollfd fds[JOBS]);
void jobs_read(const struct pollfd fds[JOBS]);
void jobs_reaped(pid_t pid, int status);
/* Ends what ended, kills what is late; returns ms until the next deadline. */
int jobs_tend(void);

/* ---- beat.c, data.c, load.c, files.c, restart.c ---- */

void do_beat(unsigned int id, char *args);
void do_data(unsigned int id, char *args);
void do_touch(unsigned int id, uint64_t timeout_ms, char *args);
void do_hog(unsigned int id, char *args);
void do_fragment(unsigned int id, char *args);
void load_reaped(pid_t pid, int status);
void do_read(unsigned int id, const char *path);
void do_write(unsigned int id, char *args);
void do_kexec(unsigned int id, char *args);

/* ---- mailbox.c: a domU's channel, which is a mailbox in xenstore ---- */

/* Opens the mailbox; the file descriptor to poll, or -1. */
int mailbox_open(void);
bool mailbox_pending(void);
/* Takes what has arrived and hands each request line on. */
void mailbox_read(bool readable, void (*request)(char *line));
void mailbox_answer(unsigned int id, int status, const char *text, size_t length);

/* ---- relay.c, consoles.c: dom0's half ---- */

void do_domu(unsigned int id, uint64_t timeout_ms, char *args);
void do_store(unsigned int id, char *args);
void do_consoles(unsigned int id);

#define CONSOLE_STATUS 1 /* of the frames with ID 0 that carry a domU's console */

/* Sends on what domUs' consoles have said since the last call. */
void consoles_send(void);

#endif
