#include "shortest.h"
#include <charconv>
#include <system_error>

template <typename Value>
static size_t shortest(Value value, char *buffer, size_t capacity) {
    const auto result = std::to_chars(buffer, buffer + capacity, value, std::chars_format::scientific);
    return result.ec == std::errc() ? static_cast<size_t>(result.ptr - buffer) : 0;
}

extern "C" size_t gate_shortest_double(double value, char *buffer, size_t capacity) {
    return shortest(value, buffer, capacity);
}
extern "C" size_t gate_shortest_float(float value, char *buffer, size_t capacity) {
    return shortest(value, buffer, capacity);
}
