// Stands in for the allocator's functions. Whoever includes this says what is done at each: `taken` before memory is taken, and
// `given_back` before memory is given back.
#ifndef GATE_ALLOCATION_WRAPPERS_H
#define GATE_ALLOCATION_WRAPPERS_H

#include <errno.h>
#include <stddef.h>

static void taken(void);
static void given_back(void);

// The allocator behind these names, which glibc exports for those who replace them.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

void *malloc(size_t size) {
    taken();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    taken();
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    taken();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    taken();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    taken();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    taken();
    void *found = __libc_memalign(alignment, size);
    if (found == NULL) return ENOMEM;
    *block = found;
    return 0;
}

void free(void *block) {
    if (block != NULL) given_back();
    __libc_free(block);
}

#endif
