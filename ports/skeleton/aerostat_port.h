/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The least a port may be: the contract's types and functions, declared and no
 * more.  What compiles with this header needs nothing else from anybody.
 */
#ifndef AEROSTAT_TESTS_FREESTANDING_PORT_H
#define AEROSTAT_TESTS_FREESTANDING_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AERO_BLOCK_ORDER 9

typedef struct aero_page aero_page;

struct aero_port {
	int unused;
};

unsigned int aero_port_take(struct aero_port *port, unsigned int order, enum aero_effort effort,
			    aero_page **blocks, unsigned int n);
void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks, unsigned int n);
void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order);
aero_page *aero_port_page(aero_page *block, unsigned int index);
aero_pfn aero_port_pfn(const aero_page *page);
void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n);
unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n);
uint64_t aero_port_limit_pages(struct aero_port *port);
uint64_t aero_port_spare_pages(struct aero_port *port);
uint64_t aero_port_now_ms(struct aero_port *port);
__attribute__((format(printf, 3, 4))) void
aero_port_log(struct aero_port *port, enum aero_level level, const char *format, ...);
void aero_port_trace(struct aero_port *port, enum aero_event event, uint64_t a, uint64_t b,
		     uint64_t c);

#endif
