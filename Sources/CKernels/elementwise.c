#include "CKernels.h"
#include "vector_math.h"

typedef struct {
    float *y;
    const float *x;
    float factor;
    int64_t rows, d, stride;
} vectors;

LETHE_CLONES static void add_range(void *context, int64_t begin, int64_t end) {
    const vectors *c = context;
    float *restrict y = c->y;
    const float *restrict x = c->x;
    for (int64_t i = begin; i < end; i++) y[i] += x[i];
}

void lethe_add(float *y, const float *x, int64_t count) {
    vectors c = {.y = y, .x = x};
    lethe_parallel(count, 64, count, add_range, &c);
}

static void copy_range(void *context, int64_t begin, int64_t end) {
    const vectors *c = context;
    memcpy(c->y + begin, c->x + begin, (size_t)(end - begin) * sizeof(float));
}

void lethe_copy(float *y, const float *x, int64_t count) {
    vectors c = {.y = y, .x = x};
    lethe_parallel(count, 1024, count, copy_range, &c);
}

static void clear_range(void *context, int64_t begin, int64_t end) {
    const vectors *c = context;
    memset(c->y + begin, 0, (size_t)(end - begin) * sizeof(float));
}

void lethe_clear(float *y, int64_t count) {
    vectors c = {.y = y};
    lethe_parallel(count, 1024, count, clear_range, &c);
}

LETHE_CLONES static void scale_range(void *context, int64_t begin, int64_t end) {
    const vectors *c = context;
    float *restrict y = c->y;
    for (int64_t i = begin; i < end; i++) y[i] *= c->factor;
}

void lethe_scale(float *y, float factor, int64_t count) {
    vectors c = {.y = y, .factor = factor};
    lethe_parallel(count, 64, count, scale_range, &c);
}

LETHE_CLONES static void axpy_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const vectors *c = context;
    float *restrict y = c->y;
    const float *restrict x = c->x;
    for (int64_t i = begin; i < end; i++) y[i] += c->factor * x[i];
}

void lethe_axpy(float *y, float factor, const float *x, int64_t count) {
    vectors c = {.y = y, .x = x, .factor = factor};
    lethe_parallel(count, 64, count, axpy_range, &c);
}

LETHE_CLONES static void add_bias_rows(void *context, int64_t begin, int64_t end) {
    const vectors *c = context;
    const float *restrict bias = c->x;
    for (int64_t row = begin; row < end; row++) {
        float *restrict y = c->y + row * c->d;
        for (int64_t i = 0; i < c->d; i++) y[i] += bias[i];
    }
}

void lethe_add_bias(float *y, const float *bias, int64_t rows, int64_t d) {
    vectors c = {.y = y, .x = bias, .d = d};
    lethe_parallel(rows, 1, rows * d, add_bias_rows, &c);
}

LETHE_CLONES static void bias_backward_columns(void *context, int64_t begin, int64_t end) {
    const vectors *c = context;
    float *restrict y = c->y;
    for (int64_t row = 0; row < c->rows; row++) {
        const float *restrict x = c->x + row * c->stride;
        for (int64_t i = begin; i < end; i++) y[i] += x[i];
    }
}

void lethe_bias_backward(float *dbias, const float *dy, int64_t rows, int64_t d, int64_t stride) {
    vectors c = {.y = dbias, .x = dy, .rows = rows, .d = d, .stride = stride};
    lethe_parallel(d, 64, rows * d, bias_backward_columns, &c);
}

// Blocks of a fixed length are summed in fp32 lanes, blocks in double: the result does not depend on the threads.
LETHE_CLONES static float dot_block(const float *restrict x, const float *restrict y, int64_t count) {
#pragma clang fp reassociate(on) contract(fast)
    float sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
    return sum;
}

double lethe_dot(const float *x, const float *y, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i += 512) sum += dot_block(x + i, y + i, count - i < 512 ? count - i : 512);
    return sum;
}

double lethe_sum_of_squares(const float *x, int64_t count) { return lethe_dot(x, x, count); }

typedef struct {
    uint16_t *narrow;
    float *wide;
    const float *from;
    const uint16_t *from_narrow;
} conversion;

LETHE_CLONES static void to_bfloat16_range(void *context, int64_t begin, int64_t end) {
    const conversion *c = context;
    const uint32_t *restrict x = (const uint32_t *)c->from;
    uint16_t *restrict y = c->narrow;
    for (int64_t i = begin; i < end; i++) {
        uint32_t bits = x[i];
        uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
        uint32_t nan = (bits >> 16) | 0x40u;
        y[i] = (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? nan : rounded);
    }
}

void lethe_to_bfloat16(uint16_t *y, const float *x, int64_t count) {
    conversion c = {.narrow = y, .from = x};
    lethe_parallel(count, 64, count * 2, to_bfloat16_range, &c);
}

LETHE_CLONES static void from_bfloat16_range(void *context, int64_t begin, int64_t end) {
    const conversion *c = context;
    const uint16_t *restrict x = c->from_narrow;
    uint32_t *restrict y = (uint32_t *)c->wide;
    for (int64_t i = begin; i < end; i++) y[i] = (uint32_t)x[i] << 16;
}

void lethe_from_bfloat16(float *y, const uint16_t *x, int64_t count) {
    conversion c = {.wide = y, .from_narrow = x};
    lethe_parallel(count, 64, count, from_bfloat16_range, &c);
}

typedef struct {
    float *weight, *m, *v;
    const float *gradient;
    float learning_rate, beta1, beta2, eps, weight_decay, correction1, correction2;
} adamw;

LETHE_CLONES static void adamw_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const adamw *c = context;
    float *restrict weight = c->weight;
    float *restrict m = c->m;
    float *restrict v = c->v;
    const float *restrict gradient = c->gradient;
    float decay = 1.0f - c->learning_rate * c->weight_decay;
    float step = c->learning_rate / c->correction1;
    float root = 1.0f / __builtin_elementwise_sqrt(c->correction2);
    float rest1 = 1.0f - c->beta1, rest2 = 1.0f - c->beta2;
    for (int64_t i = begin; i < end; i++) {
        float g = gradient[i];
        float first = c->beta1 * m[i] + rest1 * g;
        float second = c->beta2 * v[i] + rest2 * g * g;
        m[i] = first;
        v[i] = second;
        weight[i] = weight[i] * decay - step * first / (__builtin_elementwise_sqrt(second) * root + c->eps);
    }
}

void lethe_adamw(float *weight, float *m, float *v, const float *gradient, int64_t count, float learning_rate,
                 float beta1, float beta2, float eps, float weight_decay, float correction1, float correction2) {
    adamw c = {weight, m, v, gradient, learning_rate, beta1, beta2, eps, weight_decay, correction1, correction2};
    lethe_parallel(count, 64, count * 8, adamw_range, &c);
}

typedef struct {
    float *partial;
    const float *queries;
    const uint16_t *memory;
    int64_t query_count, dimension;
} search;

LETHE_CLONES static void search_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const search *c = context;
    float *restrict best = c->partial + omp_get_thread_num() * c->query_count;
    for (int64_t i = begin; i < end; i++) {
        const uint16_t *restrict row = c->memory + i * c->dimension;
        for (int64_t q = 0; q < c->query_count; q++) {
            const float *restrict query = c->queries + q * c->dimension;
            float sum = 0;
            for (int64_t j = 0; j < c->dimension; j++) {
                uint32_t bits = (uint32_t)row[j] << 16;
                float value;
                memcpy(&value, &bits, sizeof value);
                sum += value * query[j];
            }
            best[q] = sum > best[q] ? sum : best[q];
        }
    }
}

void lethe_largest_dot_products(float *largest, float *partial, const float *queries, int64_t query_count,
                                const uint16_t *memory, int64_t count, int64_t dimension) {
    int64_t threads = omp_get_max_threads();
    for (int64_t i = 0; i < threads * query_count; i++) partial[i] = -INFINITY;
    search c = {partial, queries, memory, query_count, dimension};
    lethe_parallel(count, 1, count * dimension * query_count, search_range, &c);
    for (int64_t q = 0; q < query_count; q++) {
        largest[q] = partial[q];
        for (int64_t t = 1; t < threads; t++) {
            if (partial[t * query_count + q] > largest[q]) largest[q] = partial[t * query_count + q];
        }
    }
}
