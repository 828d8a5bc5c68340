#include "CKernels.h"
#include "vector_math.h"

typedef struct {
    float *x;
    int64_t stride, heads, head_dim, half;
    const float *cosine, *sine;
    const int32_t *positions;
    float direction;
} rope;

LETHE_CLONES static void rope_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const rope *c = context;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict cosine = c->cosine + c->positions[row] * c->half;
        const float *restrict sine = c->sine + c->positions[row] * c->half;
        for (int64_t head = 0; head < c->heads; head++) {
            float *restrict x = c->x + row * c->stride + head * c->head_dim;
            for (int64_t i = 0; i < c->half; i++) {
                float a = x[i], b = x[i + c->half], s = sine[i] * c->direction;
                x[i] = a * cosine[i] - b * s;
                x[i + c->half] = b * cosine[i] + a * s;
            }
        }
    }
}

void lethe_rope(float *x, int64_t stride, int64_t rows, int64_t heads, int64_t head_dim, int64_t rotary,
                const float *cosine, const float *sine, const int32_t *positions, float direction) {
    rope c = {x, stride, heads, head_dim, rotary / 2, cosine, sine, positions, direction};
    lethe_parallel(rows, 1, rows * heads * rotary * 2, rope_rows, &c);
}
