// The entry of libFuzzer, which the linker finds where the build is sanitized with it.
#ifndef GATE_CFUZZER_SHIM_H
#define GATE_CFUZZER_SHIM_H
#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*target)(const uint8_t *bytes, size_t size));
#endif
