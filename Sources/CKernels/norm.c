#include "CKernels.h"
#include "vector_math.h"

typedef struct {
    float *y, *mean, *rstd;
    const float *x, *weight, *bias;
    float offset, eps;
    int64_t d, x_stride, y_stride;
} norm_forward;

LETHE_CLONES static void rms_forward_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const norm_forward *c = context;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict x = c->x + row * c->x_stride;
        float *restrict y = c->y + row * c->y_stride;
        float sum = 0;
        for (int64_t i = 0; i < c->d; i++) sum += x[i] * x[i];
        float rstd = 1.0f / __builtin_elementwise_sqrt(sum / (float)c->d + c->eps);
        c->rstd[row] = rstd;
        for (int64_t i = 0; i < c->d; i++) y[i] = x[i] * rstd * (c->weight[i] + c->offset);
    }
}

void lethe_rms_norm_forward(float *y, float *rstd, const float *x, int64_t x_stride, const float *weight, float offset,
                            float eps, int64_t rows, int64_t d, int64_t y_stride) {
    norm_forward c = {.y = y, .rstd = rstd, .x = x, .weight = weight, .offset = offset, .eps = eps, .d = d,
                      .x_stride = x_stride, .y_stride = y_stride};
    lethe_parallel(rows, 1, rows * d * 2, rms_forward_rows, &c);
}

typedef struct {
    float *dx, *dweight, *dbias;
    const float *dy, *x, *mean, *rstd, *weight;
    float offset;
    int64_t rows, d, dx_stride, dy_stride, x_stride;
} norm_backward;

LETHE_CLONES static void rms_backward_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const norm_backward *c = context;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict x = c->x + row * c->x_stride;
        const float *restrict dy = c->dy + row * c->dy_stride;
        float *restrict dx = c->dx + row * c->dx_stride;
        float rstd = c->rstd[row], dot = 0;
        for (int64_t i = 0; i < c->d; i++) dot += dy[i] * (c->weight[i] + c->offset) * x[i];
        float correction = dot * rstd * rstd * rstd / (float)c->d;
        for (int64_t i = 0; i < c->d; i++) {
            dx[i] += dy[i] * (c->weight[i] + c->offset) * rstd - x[i] * correction;
        }
    }
}

LETHE_CLONES static void rms_backward_weight(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const norm_backward *c = context;
    for (int64_t row = 0; row < c->rows; row++) {
        const float *restrict x = c->x + row * c->x_stride;
        const float *restrict dy = c->dy + row * c->dy_stride;
        float *restrict dweight = c->dweight;
        float rstd = c->rstd[row];
        for (int64_t i = begin; i < end; i++) dweight[i] += dy[i] * x[i] * rstd;
    }
}

void lethe_rms_norm_backward(float *dx, int64_t dx_stride, float *dweight, const float *dy, int64_t dy_stride,
                             const float *x, int64_t x_stride, const float *rstd, const float *weight, float offset,
                             int64_t rows, int64_t d) {
    norm_backward c = {.dx = dx, .dweight = dweight, .dy = dy, .x = x, .rstd = rstd, .weight = weight,
                       .offset = offset, .rows = rows, .d = d, .dx_stride = dx_stride, .dy_stride = dy_stride,
                       .x_stride = x_stride};
    lethe_parallel(rows, 1, rows * d * 3, rms_backward_rows, &c);
    if (dweight) lethe_parallel(d, 64, rows * d, rms_backward_weight, &c);
}

LETHE_CLONES static void layer_forward_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const norm_forward *c = context;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict x = c->x + row * c->d;
        float *restrict y = c->y + row * c->d;
        float sum = 0, squares = 0;
        for (int64_t i = 0; i < c->d; i++) sum += x[i];
        float mean = sum / (float)c->d;
        for (int64_t i = 0; i < c->d; i++) squares += (x[i] - mean) * (x[i] - mean);
        float rstd = 1.0f / __builtin_elementwise_sqrt(squares / (float)c->d + c->eps);
        c->mean[row] = mean;
        c->rstd[row] = rstd;
        for (int64_t i = 0; i < c->d; i++) y[i] = (x[i] - mean) * rstd * c->weight[i];
        if (c->bias) for (int64_t i = 0; i < c->d; i++) y[i] += c->bias[i];
    }
}

void lethe_layer_norm_forward(float *y, float *mean, float *rstd, const float *x, const float *weight, const float *bias,
                              float eps, int64_t rows, int64_t d) {
    norm_forward c = {.y = y, .mean = mean, .rstd = rstd, .x = x, .weight = weight, .bias = bias, .eps = eps, .d = d};
    lethe_parallel(rows, 1, rows * d * 4, layer_forward_rows, &c);
}

LETHE_CLONES static void layer_backward_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const norm_backward *c = context;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict x = c->x + row * c->d;
        const float *restrict dy = c->dy + row * c->d;
        float *restrict dx = c->dx + row * c->d;
        float mean = c->mean[row], rstd = c->rstd[row], sum = 0, dot = 0;
        for (int64_t i = 0; i < c->d; i++) {
            float g = dy[i] * c->weight[i];
            sum += g;
            dot += g * (x[i] - mean) * rstd;
        }
        sum /= (float)c->d;
        dot /= (float)c->d;
        for (int64_t i = 0; i < c->d; i++) {
            dx[i] += (dy[i] * c->weight[i] - sum - (x[i] - mean) * rstd * dot) * rstd;
        }
    }
}

LETHE_CLONES static void layer_backward_weight(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const norm_backward *c = context;
    for (int64_t row = 0; row < c->rows; row++) {
        const float *restrict x = c->x + row * c->d;
        const float *restrict dy = c->dy + row * c->d;
        float mean = c->mean[row], rstd = c->rstd[row];
        if (c->dweight) for (int64_t i = begin; i < end; i++) c->dweight[i] += dy[i] * (x[i] - mean) * rstd;
        if (c->dbias) for (int64_t i = begin; i < end; i++) c->dbias[i] += dy[i];
    }
}

void lethe_layer_norm_backward(float *dx, float *dweight, float *dbias, const float *dy, const float *x,
                               const float *mean, const float *rstd, const float *weight, int64_t rows, int64_t d) {
    norm_backward c = {.dx = dx, .dweight = dweight, .dbias = dbias, .dy = dy, .x = x, .mean = mean, .rstd = rstd,
                       .weight = weight, .rows = rows, .d = d};
    lethe_parallel(rows, 1, rows * d * 5, layer_backward_rows, &c);
    if (dweight || dbias) lethe_parallel(d, 64, rows * d * 2, layer_backward_weight, &c);
}
