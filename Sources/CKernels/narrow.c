#include "CKernels.h"
#include "vector_math.h"

typedef struct {
    float *y;
    const float *x, *w;
    int64_t rows, k, y_stride, x_stride;
    int32_t accumulate;
} product;

LETHE_CLONES static void product_columns(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const product *c = context;
    for (int64_t column = begin; column < end; column++) {
        const float *restrict w = c->w + column * c->k;
        for (int64_t row = 0; row < c->rows; row++) {
            const float *restrict x = c->x + row * c->x_stride;
            float sum = 0;
            for (int64_t i = 0; i < c->k; i++) sum += x[i] * w[i];
            float *y = c->y + row * c->y_stride + column;
            *y = c->accumulate ? *y + sum : sum;
        }
    }
}

void lethe_narrow_product(float *y, int64_t y_stride, const float *x, int64_t x_stride, const float *w, int64_t rows,
                          int64_t n, int64_t k, int32_t accumulate) {
    product c = {y, x, w, rows, k, y_stride, x_stride, accumulate};
    lethe_parallel(n, 16, rows * n * k, product_columns, &c);
}
