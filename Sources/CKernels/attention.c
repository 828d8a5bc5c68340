#include <stdlib.h>

#include "CKernels.h"
#include "vector_math.h"

// Scores are made for a block of query rows at a time, so scratch grows with the segment's length, not its square.
enum { QUERY_BLOCK = 64, LANES = 16 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

LETHE_INLINE int64_t padded(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

// c[rows, columns] (=, or += when accumulate) a * b, with a(i, p) at a[i * a_row + p * a_inner], b row-major and
// columns a multiple of 16. Four rows by 32 columns stay in registers.
LETHE_INLINE void small_product(float *restrict c, int64_t ldc, const float *restrict a, int64_t a_row, int64_t a_inner,
                                const float *restrict b, int64_t ldb, int64_t rows, int64_t columns, int64_t inner,
                                int accumulate) {
#pragma clang fp contract(fast)
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        int64_t j = 0;
        for (; j + 2 * LANES <= columns; j += 2 * LANES) {
            lanes s[4][2];
            for (int r = 0; r < 4; r++) {
                for (int h = 0; h < 2; h++) {
                    s[r][h] = accumulate ? *(const lanes *)(c + (i + r) * ldc + j + h * LANES) : (lanes){0};
                }
            }
            for (int64_t p = 0; p < inner; p++) {
                lanes b0 = *(const lanes *)(b + p * ldb + j), b1 = *(const lanes *)(b + p * ldb + j + LANES);
                for (int r = 0; r < 4; r++) {
                    float x = a[(i + r) * a_row + p * a_inner];
                    s[r][0] += x * b0;
                    s[r][1] += x * b1;
                }
            }
            for (int r = 0; r < 4; r++) {
                for (int h = 0; h < 2; h++) *(lanes *)(c + (i + r) * ldc + j + h * LANES) = s[r][h];
            }
        }
        for (; j < columns; j += LANES) {
            lanes s[4];
            for (int r = 0; r < 4; r++) s[r] = accumulate ? *(const lanes *)(c + (i + r) * ldc + j) : (lanes){0};
            for (int64_t p = 0; p < inner; p++) {
                lanes b0 = *(const lanes *)(b + p * ldb + j);
                for (int r = 0; r < 4; r++) s[r] += a[(i + r) * a_row + p * a_inner] * b0;
            }
            for (int r = 0; r < 4; r++) *(lanes *)(c + (i + r) * ldc + j) = s[r];
        }
    }
    for (; i < rows; i++) {
        for (int64_t j = 0; j < columns; j += LANES) {
            lanes s = accumulate ? *(const lanes *)(c + i * ldc + j) : (lanes){0};
            for (int64_t p = 0; p < inner; p++) s += a[i * a_row + p * a_inner] * *(const lanes *)(b + p * ldb + j);
            *(lanes *)(c + i * ldc + j) = s;
        }
    }
}

// x[count, d] with a row stride, copied to [count, padded d], zero-filled.
LETHE_INLINE void pack(float *restrict y, const float *restrict x, int64_t stride, int64_t count, int64_t d,
                       int64_t width) {
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < d; j++) y[i * width + j] = x[i * stride + j];
        for (int64_t j = d; j < width; j++) y[i * width + j] = 0;
    }
}

// The transpose of x[count, d] as [d, width], width at least count, zero-filled.
LETHE_INLINE void pack_transposed(float *restrict y, const float *restrict x, int64_t stride, int64_t count, int64_t d,
                                  int64_t width) {
    for (int64_t j = 0; j < d; j++) {
        for (int64_t i = 0; i < count; i++) y[j * width + i] = x[i * stride + j];
        for (int64_t i = count; i < width; i++) y[j * width + i] = 0;
    }
}

typedef struct {
    float *out, *log_sum_exp, *dq, *dk, *dv;
    const float *q, *k, *v, *dout, *out_in, *lse_in;
    const lethe_attention_shape *shape;
    const int64_t *offsets;
    int64_t longest;
    int failed;
} attention;

// The keys [first, last) that the queries [begin, end) of a segment see between them.
LETHE_INLINE void key_range(const lethe_attention_shape *s, int64_t begin, int64_t end, int64_t length, int64_t *first,
                            int64_t *last) {
    *last = s->causal ? end : length;
    *first = s->window && begin - s->window + 1 > 0 ? (begin - s->window + 1) / LANES * LANES : 0;
}

// Turns raw scores of one query into probabilities given its log-sum-exp; keys out of sight get 0.
LETHE_INLINE void probabilities(float *restrict scores, const lethe_attention_shape *s, int64_t query, int64_t first,
                                int64_t last, int64_t width, float *log_sum_exp, int known, float *restrict capped) {
#pragma clang fp reassociate(on) contract(fast)
    int64_t from = s->window && query - s->window + 1 > first ? query - s->window + 1 : first;
    int64_t to = s->causal ? query + 1 : last;
    for (int64_t j = 0; j < from - first; j++) scores[j] = 0;
    for (int64_t j = to - first; j < width; j++) scores[j] = 0;
    float *restrict x = scores + (from - first);
    int64_t count = to - from;
    if (s->softcap > 0) {
        for (int64_t j = 0; j < count; j++) x[j] = s->softcap * lethe_tanh(x[j] * s->scale / s->softcap);
        if (capped) for (int64_t j = 0; j < count; j++) capped[from - first + j] = x[j];
    } else {
        for (int64_t j = 0; j < count; j++) x[j] *= s->scale;
    }
    if (!known) {
        float max = x[0], sum = 0;
        for (int64_t j = 1; j < count; j++) max = x[j] > max ? x[j] : max;
        for (int64_t j = 0; j < count; j++) sum += lethe_exp(x[j] - max);
        *log_sum_exp = max + logf(sum);
    }
    float lse = *log_sum_exp;
    for (int64_t j = 0; j < count; j++) x[j] = lethe_exp(x[j] - lse);
}

// One unit of work is one key-value head of one segment.
LETHE_CLONES static void forward_units(void *context, int64_t begin, int64_t end) {
    attention *c = context;
    const lethe_attention_shape *s = c->shape;
    int64_t d = s->head_dim, dp = padded(d), width = padded(c->longest), group = s->query_heads / s->kv_heads;
    float *keys = malloc(sizeof(float) * (size_t)(d * width + c->longest * dp + QUERY_BLOCK * (width + dp)));
    if (!keys) {
        c->failed = 1;
        return;
    }
    float *values = keys + d * width, *scores = values + c->longest * dp, *result = scores + QUERY_BLOCK * width;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t segment = unit / s->kv_heads, kv_head = unit % s->kv_heads;
        int64_t start = c->offsets[segment], length = c->offsets[segment + 1] - start, ld = padded(length);
        if (length == 0) continue;
        pack_transposed(keys, c->k + start * s->kv_stride + kv_head * d, s->kv_stride, length, d, ld);
        pack(values, c->v + start * s->kv_stride + kv_head * d, s->kv_stride, length, d, dp);
        for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
            for (int64_t row = 0; row < length; row += QUERY_BLOCK) {
                int64_t rows = length - row < QUERY_BLOCK ? length - row : QUERY_BLOCK, first, last;
                key_range(s, row, row + rows, length, &first, &last);
                int64_t columns = padded(last - first);
                if (first + columns > ld) columns = ld - first;
                small_product(scores, width, c->q + (start + row) * s->q_stride + head * d, s->q_stride, 1, keys + first,
                              ld, rows, columns, d, 0);
                for (int64_t i = 0; i < rows; i++) {
                    probabilities(scores + i * width, s, row + i, first, last, columns,
                                  c->log_sum_exp + (start + row + i) * s->query_heads + head, 0, NULL);
                }
                small_product(result, dp, scores, width, 1, values + first * dp, dp, rows, dp, last - first, 0);
                for (int64_t i = 0; i < rows; i++) {
                    memcpy(c->out + (start + row + i) * s->out_stride + head * d, result + i * dp, sizeof(float) * (size_t)d);
                }
            }
        }
    }
    free(keys);
}

static int64_t longest_segment(const int64_t *offsets, int64_t segments) {
    int64_t longest = 0;
    for (int64_t i = 0; i < segments; i++) {
        if (offsets[i + 1] - offsets[i] > longest) longest = offsets[i + 1] - offsets[i];
    }
    return longest;
}

int lethe_attention_forward(float *out, float *log_sum_exp, const float *q, const float *k, const float *v,
                            const lethe_attention_shape *shape, const int64_t *offsets, int64_t segments) {
    attention c = {.out = out, .log_sum_exp = log_sum_exp, .q = q, .k = k, .v = v, .shape = shape, .offsets = offsets,
                   .longest = longest_segment(offsets, segments)};
    if (c.longest == 0) return 0;
    int64_t work = offsets[segments] * c.longest * shape->query_heads * shape->head_dim;
    lethe_parallel(segments * shape->kv_heads, 1, work, forward_units, &c);
    return c.failed ? -1 : 0;
}

LETHE_CLONES static void backward_units(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    attention *c = context;
    const lethe_attention_shape *s = c->shape;
    int64_t d = s->head_dim, dp = padded(d), width = padded(c->longest), group = s->query_heads / s->kv_heads;
    size_t floats = (size_t)(2 * d * width + 3 * c->longest * dp + QUERY_BLOCK * (3 * width + 3 * dp));
    float *keys_t = malloc(sizeof(float) * floats);
    if (!keys_t) {
        c->failed = 1;
        return;
    }
    float *values_t = keys_t + d * width, *keys = values_t + d * width, *dk = keys + c->longest * dp,
          *dv = dk + c->longest * dp, *scores = dv + c->longest * dp, *dscores = scores + QUERY_BLOCK * width,
          *capped = dscores + QUERY_BLOCK * width, *dq = capped + QUERY_BLOCK * width, *queries = dq + QUERY_BLOCK * dp,
          *dout = queries + QUERY_BLOCK * dp;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t segment = unit / s->kv_heads, kv_head = unit % s->kv_heads;
        int64_t start = c->offsets[segment], length = c->offsets[segment + 1] - start, ld = padded(length);
        if (length == 0) continue;
        const float *k = c->k + start * s->kv_stride + kv_head * d, *v = c->v + start * s->kv_stride + kv_head * d;
        pack_transposed(keys_t, k, s->kv_stride, length, d, ld);
        pack_transposed(values_t, v, s->kv_stride, length, d, ld);
        pack(keys, k, s->kv_stride, length, d, dp);
        memset(dk, 0, sizeof(float) * (size_t)(length * dp));
        memset(dv, 0, sizeof(float) * (size_t)(length * dp));
        for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
            for (int64_t row = 0; row < length; row += QUERY_BLOCK) {
                int64_t rows = length - row < QUERY_BLOCK ? length - row : QUERY_BLOCK, first, last;
                key_range(s, row, row + rows, length, &first, &last);
                int64_t columns = padded(last - first);
                if (first + columns > ld) columns = ld - first;
                const float *q = c->q + (start + row) * s->q_stride + head * d;
                pack(queries, q, s->q_stride, rows, d, dp);
                pack(dout, c->dout + (start + row) * s->out_stride + head * d, s->out_stride, rows, d, dp);
                small_product(scores, width, queries, dp, 1, keys_t + first, ld, rows, columns, d, 0);
                small_product(dscores, width, dout, dp, 1, values_t + first, ld, rows, columns, d, 0);
                for (int64_t i = 0; i < rows; i++) {
                    float lse = c->lse_in[(start + row + i) * s->query_heads + head], delta = 0;
                    float *restrict p = scores + i * width, *restrict dp_row = dscores + i * width;
                    float *restrict cap = capped + i * width;
                    probabilities(p, s, row + i, first, last, columns, &lse, 1, cap);
                    const float *restrict out = c->out_in + (start + row + i) * s->out_stride + head * d;
                    for (int64_t j = 0; j < d; j++) delta += out[j] * dout[i * dp + j];
                    if (s->softcap > 0) {
                        for (int64_t j = 0; j < columns; j++) {
                            float t = p[j] > 0 ? cap[j] / s->softcap : 0;
                            dp_row[j] = p[j] * (dp_row[j] - delta) * (1.0f - t * t) * s->scale;
                        }
                    } else {
                        for (int64_t j = 0; j < columns; j++) dp_row[j] = p[j] * (dp_row[j] - delta) * s->scale;
                    }
                }
                small_product(dq, dp, dscores, width, 1, keys + first * dp, dp, rows, dp, last - first, 0);
                for (int64_t i = 0; i < rows; i++) {
                    memcpy(c->dq + (start + row + i) * s->q_stride + head * d, dq + i * dp, sizeof(float) * (size_t)d);
                }
                small_product(dk + first * dp, dp, dscores, 1, width, queries, dp, last - first, dp, rows, 1);
                small_product(dv + first * dp, dp, scores, 1, width, dout, dp, last - first, dp, rows, 1);
            }
        }
        for (int64_t i = 0; i < length; i++) {
            memcpy(c->dk + (start + i) * s->kv_stride + kv_head * d, dk + i * dp, sizeof(float) * (size_t)d);
            memcpy(c->dv + (start + i) * s->kv_stride + kv_head * d, dv + i * dp, sizeof(float) * (size_t)d);
        }
    }
    free(keys_t);
}

int lethe_attention_backward(float *dq, float *dk, float *dv, const float *dout, const float *out,
                             const float *log_sum_exp, const float *q, const float *k, const float *v,
                             const lethe_attention_shape *shape, const int64_t *offsets, int64_t segments) {
    attention c = {.dq = dq, .dk = dk, .dv = dv, .dout = dout, .out_in = out, .lse_in = log_sum_exp, .q = q, .k = k,
                   .v = v, .shape = shape, .offsets = offsets, .longest = longest_segment(offsets, segments)};
    if (c.longest == 0) return 0;
    int64_t work = 3 * offsets[segments] * c.longest * shape->query_heads * shape->head_dim;
    lethe_parallel(segments * shape->kv_heads, 1, work, backward_units, &c);
    return c.failed ? -1 : 0;
}

typedef struct {
    float *out;
    const float *q;
    const float *const *keys, *const *values;
    const int64_t *lengths;
    const lethe_attention_shape *shape;
    int failed;
} decode;

LETHE_CLONES static void decode_units(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    decode *c = context;
    const lethe_attention_shape *s = c->shape;
    int64_t d = s->head_dim, group = s->query_heads / s->kv_heads, stride = s->kv_heads * d, longest = 0;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t length = c->lengths[unit / s->kv_heads];
        if (length > longest) longest = length;
    }
    float *scores = malloc(sizeof(float) * (size_t)padded(longest));
    if (!scores) {
        c->failed = 1;
        return;
    }
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t sequence = unit / s->kv_heads, kv_head = unit % s->kv_heads, length = c->lengths[sequence];
        int64_t from = s->window && length > s->window ? length - s->window : 0;
        const float *keys = c->keys[sequence] + kv_head * d, *values = c->values[sequence] + kv_head * d;
        for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
            const float *restrict q = c->q + sequence * s->q_stride + head * d;
            float *restrict out = c->out + sequence * s->out_stride + head * d;
            for (int64_t j = from; j < length; j++) {
                const float *restrict k = keys + j * stride;
                float sum = 0;
                for (int64_t i = 0; i < d; i++) sum += q[i] * k[i];
                scores[j] = sum;
            }
            float lse;
            probabilities(scores + from, s, length - 1, from, length, length - from, &lse, 0, NULL);
            for (int64_t i = 0; i < d; i++) out[i] = 0;
            for (int64_t j = from; j < length; j++) {
                const float *restrict v = values + j * stride;
                float p = scores[j];
                for (int64_t i = 0; i < d; i++) out[i] += p * v[i];
            }
        }
    }
    free(scores);
}

int lethe_attention_decode(float *out, const float *q, const float *const *keys, const float *const *values,
                           const int64_t *lengths, int64_t sequences, const lethe_attention_shape *shape) {
    decode c = {.out = out, .q = q, .keys = keys, .values = values, .lengths = lengths, .shape = shape};
    int64_t work = 0;
    for (int64_t i = 0; i < sequences; i++) work += lengths[i] * shape->query_heads * shape->head_dim * 2;
    lethe_parallel(sequences * shape->kv_heads, 1, work, decode_units, &c);
    return c.failed ? -1 : 0;
}
