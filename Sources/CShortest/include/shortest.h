// Shortest decimal of a binary floating point number that reads back as the same number.
#ifndef GATE_CSHORTEST_H
#define GATE_CSHORTEST_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
/// Writes the shortest round-trip decimal of a finite `value` in scientific form (`-1.25e-07`) into `buffer`.
/// Returns the number of bytes written, or 0 where `capacity` is too small (32 bytes are always enough).
size_t gate_shortest_double(double value, char *buffer, size_t capacity);
/// The same for a single-precision value: the shortest decimal that reads back as the same `float`.
size_t gate_shortest_float(float value, char *buffer, size_t capacity);
#ifdef __cplusplus
}
#endif
#endif
