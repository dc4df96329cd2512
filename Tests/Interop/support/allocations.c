// Loaded into a process before all else, counts for each of its threads how often it takes memory from the allocator and gives it
// back, in a file that others map too (support/allocations.py, which has the same layout). Takes no memory itself.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "wrappers.h"

enum { THREADS = 256, PLACES = 512, DEPTH = 30 };

struct thread {
    uint32_t id;
    uint64_t allocations, frees;
};

// A call stack that memory was asked for from, innermost address first.
struct place {
    uint64_t count;
    uint64_t frames[DEPTH];
};

struct counts {
    // Threads seen; those beyond THREADS share the last.
    _Atomic uint32_t threads;
    // Written by the reader: the id of the thread whose call stacks are kept, 0 for none.
    _Atomic uint32_t watched;
    // How often that thread asked from a place for which there was no room.
    uint64_t places_lost;
    struct thread thread[THREADS];
    struct place place[PLACES];
};

static struct counts *counts;
static __thread struct thread *mine;

// What is taken before this runs is not counted.
__attribute__((constructor)) static void open_file(void) {
    const char *path = getenv("ALLOCATIONS_FILE");
    if (path == NULL) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) abort();
    void *mapped = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) abort();
    close(file);
    counts = mapped;
}

static struct thread *this_thread(void) {
    if (mine == NULL) {
        uint32_t number = atomic_fetch_add(&counts->threads, 1);
        mine = &counts->thread[number < THREADS ? number : THREADS - 1];
        mine->id = (uint32_t)gettid();
    }
    return mine;
}

struct stack {
    int depth;
    uint64_t frames[DEPTH];
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *into) {
    struct stack *stack = into;
    stack->frames[stack->depth++] = _Unwind_GetIP(context);
    return stack->depth < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static __attribute__((noinline)) void keep_place(void) {
    struct stack stack = {0};
    _Unwind_Backtrace(add_frame, &stack);
    for (int i = 0; i < PLACES; i++) {
        struct place *place = &counts->place[i];
        if (place->count == 0) memcpy(place->frames, stack.frames, sizeof(stack.frames));
        else if (memcmp(place->frames, stack.frames, sizeof(stack.frames)) != 0) continue;
        place->count++;
        return;
    }
    counts->places_lost++;
}

static void taken(void) {
    if (counts == NULL) return;
    struct thread *thread = this_thread();
    thread->allocations++;
    if (atomic_load_explicit(&counts->watched, memory_order_relaxed) == thread->id) keep_place();
}

static void given_back(void) {
    if (counts != NULL) this_thread()->frees++;
}
