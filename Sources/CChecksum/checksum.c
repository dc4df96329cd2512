#include "checksum.h"

#include <string.h>

typedef uint32_t checksum(uint32_t crc, const void *bytes, size_t count);

// table[n][b]: what byte b becomes n bytes later.
static uint32_t table[8][256];

static uint64_t word(const unsigned char *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

uint32_t gate_crc32c_by_table(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        const uint64_t mixed = word(next) ^ crc;
        crc = 0;
        for (int place = 0; place < 8; place++) crc ^= table[7 - place][mixed >> (8 * place) & 0xFF];
    }
    for (; count > 0; count--) crc = crc >> 8 ^ table[0][(crc ^ *next++) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *next = bytes;
    uint64_t wide = (uint32_t)~crc;
    for (; count >= 8; count -= 8, next += 8) wide = __builtin_ia32_crc32di(wide, word(next));
    uint32_t rest = (uint32_t)wide;
    if (count >= 4) {
        uint32_t half;
        memcpy(&half, next, sizeof half);
        rest = __builtin_ia32_crc32si(rest, half);
        next += 4;
        count -= 4;
    }
    for (; count > 0; count--) rest = __builtin_ia32_crc32qi(rest, *next++);
    return ~rest;
}
static int has_instruction(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
__attribute__((target("crc"))) static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) crc = __crc32cd(crc, word(next));
    for (; count > 0; count--) crc = __crc32cb(crc, *next++);
    return ~crc;
}
// HWCAP_CRC32 of asm/hwcap.h.
static int has_instruction(void) { return (getauxval(AT_HWCAP) & 1 << 7) != 0; }
#else
#define by_instruction gate_crc32c_by_table
static int has_instruction(void) { return 0; }
#endif

static checksum *chosen = gate_crc32c_by_table;

uint32_t gate_crc32c(uint32_t crc, const void *bytes, size_t count) { return chosen(crc, bytes, count); }

__attribute__((constructor)) static void choose(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
        table[0][byte] = crc;
    }
    for (int place = 1; place < 8; place++) {
        for (int byte = 0; byte < 256; byte++) {
            const uint32_t before = table[place - 1][byte];
            table[place][byte] = before >> 8 ^ table[0][before & 0xFF];
        }
    }
    if (has_instruction()) chosen = by_instruction;
}
