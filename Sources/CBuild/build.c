#include "build.h"

// Here and not in Swift: a setting of a Swift target cannot carry a value.
const char *gate_build_commit(void) { return GATE_COMMIT; }
