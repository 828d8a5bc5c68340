#include "CKernels.h"
#include "vector_math.h"

// A tile of 4 by 4 results, whose sums stay in registers while the inner dimension advances: of that at most INNER at a
// time, so that the rows of both sides stay in the first-level cache.
enum { TILE = 4, LANES = 16, INNER = 768 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

typedef struct {
    float *y;
    const float *x, *w;
    int64_t rows, k, y_stride, x_stride;
    int32_t accumulate;
} product;

#define HALVES(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

// totals[i] = the sum of the elements of s[i]: halves of two vectors are added until one vector holds all.
LETHE_INLINE void add_up(float *totals, const lanes s[LANES]) {
    lanes a[8], b[4], c[2];
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
    *(lanes *)totals = HALVES(c[0], c[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
        + HALVES(c[0], c[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

// TILE rows by TILE columns of y from the inner range [from, to); added to when that does not begin at 0.
LETHE_INLINE void tile(const product *c, int64_t row, int64_t column, int64_t from, int64_t to) {
#pragma clang fp contract(fast)
    const float *x = c->x + row * c->x_stride, *w = c->w + column * c->k;
    // The rows of w that the next columns need are fetched meanwhile, one for each tile of rows. Past the end of w that
    // does nothing.
    const float *ahead = w + (TILE + row / TILE) * c->k;
    lanes sums[TILE * TILE] = {0};
    int64_t i = from;
    for (; i + LANES <= to; i += LANES) {
        __builtin_prefetch(ahead + i);
        lanes b[TILE];
        for (int j = 0; j < TILE; j++) b[j] = *(const lanes *)(w + j * c->k + i);
        for (int r = 0; r < TILE; r++) {
            lanes a = *(const lanes *)(x + r * c->x_stride + i);
            for (int j = 0; j < TILE; j++) sums[r * TILE + j] += a * b[j];
        }
    }
    float totals[TILE * TILE];
    add_up(totals, sums);
    for (int r = 0; r < TILE; r++) {
        float *y = c->y + (row + r) * c->y_stride + column;
        for (int j = 0; j < TILE; j++) {
            float sum = totals[r * TILE + j];
            for (int64_t p = i; p < to; p++) sum += x[r * c->x_stride + p] * w[j * c->k + p];
            y[j] = c->accumulate || from > 0 ? y[j] + sum : sum;
        }
    }
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

LETHE_CLONES static void product_columns(void *context, int64_t begin, int64_t end) {
    const product *c = context;
    int64_t column = begin, tiled = c->rows / TILE * TILE, parts = (c->k + INNER - 1) / INNER;
    for (; tiled > 0 && column + TILE <= end; column += TILE) {
        for (int64_t part = 0; part < parts; part++) {
            int64_t from = c->k / LANES * part / parts * LANES;
            int64_t to = part + 1 < parts ? c->k / LANES * (part + 1) / parts * LANES : c->k;
            for (int64_t row = 0; row < tiled; row += TILE) tile(c, row, column, from, to);
        }
        for (int64_t j = column; j < column + TILE; j++) column_of(c, tiled, j);
    }
    for (; column < end; column++) column_of(c, 0, column);
}

void lethe_narrow_product(float *y, int64_t y_stride, const float *x, int64_t x_stride, const float *w, int64_t rows,
                          int64_t n, int64_t k, int32_t accumulate) {
    product c = {y, x, w, rows, k, y_stride, x_stride, accumulate};
    lethe_parallel(n, 16, rows * n * k, product_columns, &c);
}

int64_t lethe_narrow_rows(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return 48;
#endif
    return TILE - 1;
}
