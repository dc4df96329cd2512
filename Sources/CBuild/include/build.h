#ifndef GATE_CBUILD_BUILD_H
#define GATE_CBUILD_BUILD_H
// The commit that this program was built from, or "unknown" where the build was not told.
const char *gate_build_commit(void);
#endif
