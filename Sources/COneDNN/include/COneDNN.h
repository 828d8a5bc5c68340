// The few oneDNN calls that the engine needs, the same over the 2.x and 3.x C API.
//
// One primitive is made for each shape and kept. Calls may come from any thread; they run one at a time, since all
// of them use the same OpenMP threads. Buffers stay the caller's. Every function returns 0, or the status of the
// oneDNN call that failed (see lethe_onednn_status).
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { LETHE_F32 = 0, LETHE_BF16 = 1 } lethe_element_type;

// C[m, n] = op(A)[m, k] * op(B)[k, n], or += when accumulate is set. All matrices are row-major with the given row
// strides, in elements. With transpose_a, A is stored [k, m]; with transpose_b, B is stored [n, k].
typedef struct {
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
    int32_t transpose_a, transpose_b;
    int32_t type_ab, type_c;  // lethe_element_type
    int32_t accumulate;
} lethe_gemm_shape;

int lethe_gemm(const lethe_gemm_shape *shape, const void *a, const void *b, void *c);

// Threads that the calling thread's matrix products and parallel loops use from now on; at least 1.
void lethe_set_thread_count(int count);
int lethe_thread_count(void);

// Whether the CPU multiplies bfloat16 in hardware (AVX512_BF16 or AMX).
int lethe_has_bf16(void);
// The instruction set that oneDNN chose, as a word.
const char *lethe_isa_name(void);
// oneDNN's version.
void lethe_onednn_version(int *major, int *minor, int *patch);
// A word for a status.
const char *lethe_onednn_status(int status);

#ifdef __cplusplus
}
#endif
