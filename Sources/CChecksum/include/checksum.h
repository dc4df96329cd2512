// CRC32C (Castagnoli; RFC 3720, appendix B.4), by the processor's own instruction where it has one.
#ifndef GATE_CCHECKSUM_H
#define GATE_CCHECKSUM_H
#include <stddef.h>
#include <stdint.h>
/// Goes on with the checksum `crc` of what came before (0: nothing) over `count` bytes.
uint32_t gate_crc32c(uint32_t crc, const void *bytes, size_t count);
/// The same without the processor's help.
uint32_t gate_crc32c_by_table(uint32_t crc, const void *bytes, size_t count);
#endif
