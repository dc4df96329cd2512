// How often this process has taken memory from the allocator.
#ifndef GATE_ALLOCATIONS_H
#define GATE_ALLOCATIONS_H
#include <stdint.h>
uint64_t gate_allocations(void);
#endif
