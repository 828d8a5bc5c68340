#include "CKernels.h"
#include "vector_math.h"

enum { ROWS = 4, MOST_SUMS = 16 };

typedef float lanes_16 __attribute__((vector_size(16 * sizeof(float)), aligned(4), may_alias));
typedef float lanes_8 __attribute__((vector_size(8 * sizeof(float)), aligned(4), may_alias));

typedef struct {
    float *y;
    const float *x, *w;
    int64_t rows, k, y_stride, x_stride;
    int32_t accumulate;
} product;

#define HALVES(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

// totals[i] = the sum of the elements of s[i]: halves of two vectors are added until one vector holds all.
LETHE_INLINE void add_up_16(float *totals, const lanes_16 s[16]) {
    lanes_16 a[8], b[4], c[2];
    for (int i = 0; i < 8; i++) {
        a[i] = HALVES(s[i], s[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
            + HALVES(s[i], s[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    for (int i = 0; i < 4; i++) {
        b[i] = HALVES(a[i], a[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
            + HALVES(a[i], a[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    for (int i = 0; i < 2; i++) {
        c[i] = HALVES(b[i], b[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
            + HALVES(b[i], b[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
    *(lanes_16 *)totals = HALVES(c[0], c[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
        + HALVES(c[0], c[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

// The same for vectors of half the width.
LETHE_INLINE void add_up_8(float *totals, const lanes_8 s[8]) {
    lanes_8 a[4], b[2];
    for (int i = 0; i < 4; i++) {
        a[i] = HALVES(s[i], s[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) + HALVES(s[i], s[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 2; i++) {
        b[i] = HALVES(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13) + HALVES(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    *(lanes_8 *)totals = HALVES(b[0], b[1], 0, 8, 2, 10, 4, 12, 6, 14) + HALVES(b[0], b[1], 1, 9, 3, 11, 5, 13, 7, 15);
}

// One column of y, the rows from `row` on: w's row is read once.
LETHE_INLINE void column_of(const product *c, int64_t row, int64_t column) {
#pragma clang fp reassociate(on) contract(fast)
    const float *restrict w = c->w + column * c->k;
    for (; row < c->rows; row++) {
        const float *restrict x = c->x + row * c->x_stride;
        float sum = 0;
        for (int64_t i = 0; i < c->k; i++) sum += x[i] * w[i];
        float *y = c->y + row * c->y_stride + column;
        *y = c->accumulate ? *y + sum : sum;
    }
}

// 32 registers of 16 floats with AVX-512, 16 of 8 without.
#if defined(__x86_64__)
#define LANES 16
#define COLUMNS 4
#define INNER 768
#include "narrow_tile.h"
#undef LANES
#undef COLUMNS
#undef INNER
__attribute__((target("avx512f"))) static void wide_columns(void *context, int64_t begin, int64_t end) {
    columns_16(context, begin, end);
}
#endif

#define LANES 8
#define COLUMNS 3
#define INNER 320
#include "narrow_tile.h"
LETHE_CLONES static void product_columns(void *context, int64_t begin, int64_t end) {
    columns_8(context, begin, end);
}

void lethe_narrow_product(float *y, int64_t y_stride, const float *x, int64_t x_stride, const float *w, int64_t rows,
                          int64_t n, int64_t k, int32_t accumulate) {
    product c = {y, x, w, rows, k, y_stride, x_stride, accumulate};
    lethe_range_function columns = product_columns;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) columns = wide_columns;
#endif
    lethe_parallel(n, 48, rows * n * k, columns, &c);
}

int64_t lethe_narrow_rows(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 48;
#endif
    return ROWS - 1;
}
