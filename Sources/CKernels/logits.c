#include "CKernels.h"
#include "vector_math.h"

typedef struct {
    float *nll, *log_sum_exp, *mean, *variance, *loss, *logits, *base;
    int32_t *argmax;
    const float *input, *reference, *coefficients, *lse_in;
    const int32_t *targets;
    int64_t vocabulary;
    float cap, shift;
} rows_of_logits;

LETHE_INLINE float row_max(const float *restrict x, int64_t count) {
    float lanes[16];
    int64_t i = 0;
    float max = x[0];
    if (count >= 16) {
        for (int j = 0; j < 16; j++) lanes[j] = x[j];
        for (i = 16; i + 16 <= count; i += 16) {
            for (int j = 0; j < 16; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
        }
        for (int j = 0; j < 16; j++) max = lanes[j] > max ? lanes[j] : max;
    }
    for (; i < count; i++) max = x[i] > max ? x[i] : max;
    return max;
}

// log sum exp of a row: blocks of 1,024 in fp32 lanes, blocks in double.
LETHE_INLINE float row_log_sum_exp(const float *restrict x, int64_t count) {
#pragma clang fp reassociate(on) contract(fast)
    float max = row_max(x, count);
    double total = 0;
    for (int64_t start = 0; start < count; start += 1024) {
        int64_t stop = start + 1024 < count ? start + 1024 : count;
        float sum = 0;
        for (int64_t i = start; i < stop; i++) sum += lethe_exp(x[i] - max);
        total += sum;
    }
    return max + (float)log(total);
}

LETHE_CLONES static void statistics_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const rows_of_logits *c = context;
    int64_t count = c->vocabulary;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict x = c->input + row * count;
        float lse = row_log_sum_exp(x, count);
        c->log_sum_exp[row] = lse;
        c->nll[row] = lse - x[c->targets[row]];
        if (c->argmax) {
            float max = row_max(x, count);
            int64_t i = 0;
            while (i < count - 1 && x[i] != max) i++;
            c->argmax[row] = (int32_t)i;
        }
        if (c->mean) {
            double first = 0, second = 0;
            for (int64_t start = 0; start < count; start += 1024) {
                int64_t stop = start + 1024 < count ? start + 1024 : count;
                float s1 = 0, s2 = 0;
                for (int64_t i = start; i < stop; i++) {
                    float log_p = x[i] - lse, p = lethe_exp(log_p);
                    s1 += p * log_p;
                    s2 += p * log_p * log_p;
                }
                first += s1;
                second += s2;
            }
            c->mean[row] = (float)first;
            c->variance[row] = (float)(second - first * first);
        }
    }
}

void lethe_logit_statistics(float *nll, float *log_sum_exp, int32_t *argmax, float *mean, float *variance,
                            const float *logits, const int32_t *targets, int64_t rows, int64_t vocabulary) {
    rows_of_logits c = {.nll = nll, .log_sum_exp = log_sum_exp, .argmax = argmax, .mean = mean, .variance = variance,
                        .input = logits, .targets = targets, .vocabulary = vocabulary};
    lethe_parallel(rows, 1, rows * vocabulary * 10, statistics_rows, &c);
}

LETHE_CLONES static void cross_entropy_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const rows_of_logits *c = context;
    int64_t count = c->vocabulary;
    for (int64_t row = begin; row < end; row++) {
        float *restrict x = c->logits + row * count;
        float coefficient = c->coefficients[row], lse = c->lse_in[row];
        if (coefficient == 0) {
            memset(x, 0, (size_t)count * sizeof *x);
            continue;
        }
        for (int64_t i = 0; i < count; i++) x[i] = coefficient * lethe_exp(x[i] - lse);
        x[c->targets[row]] -= coefficient;
    }
}

void lethe_cross_entropy_backward(float *logits, const float *log_sum_exp, const int32_t *targets,
                                  const float *coefficients, int64_t rows, int64_t vocabulary) {
    rows_of_logits c = {.logits = logits, .lse_in = log_sum_exp, .targets = targets, .coefficients = coefficients,
                        .vocabulary = vocabulary};
    lethe_parallel(rows, 1, rows * vocabulary * 10, cross_entropy_rows, &c);
}

LETHE_CLONES static void kl_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const rows_of_logits *c = context;
    int64_t count = c->vocabulary;
    for (int64_t row = begin; row < end; row++) {
        float *restrict x = c->logits + row * count;
        const float *restrict reference = c->reference + row * count;
        float lse = row_log_sum_exp(x, count), reference_lse = row_log_sum_exp(reference, count);
        double total = 0;
        for (int64_t start = 0; start < count; start += 1024) {
            int64_t stop = start + 1024 < count ? start + 1024 : count;
            float sum = 0;
            for (int64_t i = start; i < stop; i++) {
                float log_q = reference[i] - reference_lse;
                sum += lethe_exp(log_q) * (log_q - (x[i] - lse));
            }
            total += sum;
        }
        c->loss[row] = (float)total;
        if (c->coefficients) {
            float coefficient = c->coefficients[row];
            for (int64_t i = 0; i < count; i++) {
                x[i] = coefficient * (lethe_exp(x[i] - lse) - lethe_exp(reference[i] - reference_lse));
            }
        }
    }
}

void lethe_kl_forward_backward(float *loss, float *logits, const float *reference, const float *coefficients,
                               int64_t rows, int64_t vocabulary) {
    rows_of_logits c = {.loss = loss, .logits = logits, .reference = reference, .coefficients = coefficients,
                        .vocabulary = vocabulary};
    lethe_parallel(rows, 1, rows * vocabulary * 30, kl_rows, &c);
}

// log(q + 1e-12) of q = exp(log_q): the floor that the published code adds.
LETHE_INLINE float floored(float log_q) { return log_q > -13.0f ? log_q : logf(lethe_exp(log_q) + 1e-12f); }

LETHE_CLONES static void reverse_cross_entropy_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const rows_of_logits *c = context;
    int64_t count = c->vocabulary;
    for (int64_t row = begin; row < end; row++) {
        float *restrict x = c->logits + row * count;
        const float *restrict reference = c->reference + row * count;
        float lse = row_log_sum_exp(x, count), reference_lse = row_log_sum_exp(reference, count);
        double loss = 0;
        for (int64_t i = 0; i < count; i++) loss -= lethe_exp(x[i] - lse) * floored(reference[i] - reference_lse);
        c->loss[row] = (float)loss;
        if (c->coefficients) {
            float coefficient = c->coefficients[row];
            for (int64_t i = 0; i < count; i++) {
                x[i] = coefficient * lethe_exp(x[i] - lse) * (-floored(reference[i] - reference_lse) - (float)loss);
            }
        }
    }
}

void lethe_reverse_cross_entropy(float *loss, float *logits, const float *reference, const float *coefficients,
                                 int64_t rows, int64_t vocabulary) {
    rows_of_logits c = {.loss = loss, .logits = logits, .reference = reference, .coefficients = coefficients,
                        .vocabulary = vocabulary};
    lethe_parallel(rows, 1, rows * vocabulary * 30, reverse_cross_entropy_rows, &c);
}

LETHE_CLONES static void shifted_target_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const rows_of_logits *c = context;
    int64_t count = c->vocabulary;
    for (int64_t row = begin; row < end; row++) {
        float *x = c->logits + row * count;
        int32_t target = c->targets[row];
        float coefficient = c->coefficients[row], lse = row_log_sum_exp(x, count), own = x[target];
        if (coefficient == 0) {
            memset(x, 0, (size_t)count * sizeof *x);
            c->loss[row] = 0;
            continue;
        }
        // q is made from base with the target lowered; for a shift without end the target has no share in it.
        float *q = c->base ? c->base + row * count : x;
        q[target] = c->shift < 1e30f ? q[target] - c->shift : -1e30f;
        float q_lse = row_log_sum_exp(q, count);
        float q_target = lethe_exp(q[target] - q_lse);
        double total = q_target * (lse - own);
        for (int64_t start = 0; start < count; start += 1024) {
            int64_t stop = start + 1024 < count ? start + 1024 : count;
            float sum = 0;
            for (int64_t i = start; i < stop; i++) {
                float share = i == target ? 0.0f : lethe_exp(q[i] - q_lse);
                sum += share * (lse - x[i]);
                x[i] = coefficient * (lethe_exp(x[i] - lse) - share);
            }
            total += sum;
        }
        x[target] = coefficient * (lethe_exp(own - lse) - q_target);
        c->loss[row] = (float)total;
    }
}

void lethe_shifted_target_cross_entropy(float *loss, float *logits, float *base, const int32_t *targets, float shift,
                                        const float *coefficients, int64_t rows, int64_t vocabulary) {
    rows_of_logits c = {.loss = loss, .logits = logits, .base = base, .targets = targets, .shift = shift,
                        .coefficients = coefficients, .vocabulary = vocabulary};
    lethe_parallel(rows, 1, rows * vocabulary * 30, shifted_target_rows, &c);
}

LETHE_CLONES static void spread_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp reassociate(on) contract(fast)
    const rows_of_logits *c = context;
    int64_t count = c->vocabulary;
    for (int64_t row = begin; row < end; row++) {
        float *restrict x = c->logits + row * count;
        float max = row_max(x, count);
        int64_t largest = 0;
        while (largest < count - 1 && x[largest] != max) largest++;
        double total = 0;
        for (int64_t start = 0; start < count; start += 1024) {
            int64_t stop = start + 1024 < count ? start + 1024 : count;
            float sum = 0;
            for (int64_t i = start; i < stop; i++) sum += x[i];
            total += sum;
        }
        float spread = max - (float)(total / (double)count);
        float slope = 2 * c->coefficients[row] * spread;
        for (int64_t i = 0; i < count; i++) x[i] = -slope / (float)count;
        x[largest] += slope;
        c->loss[row] = spread * spread;
    }
}

void lethe_logit_spread(float *loss, float *logits, const float *coefficients, int64_t rows, int64_t vocabulary) {
    rows_of_logits c = {.loss = loss, .logits = logits, .coefficients = coefficients, .vocabulary = vocabulary};
    lethe_parallel(rows, 1, rows * vocabulary * 5, spread_rows, &c);
}

LETHE_CLONES static void softcap_forward_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const rows_of_logits *c = context;
    float *restrict x = c->logits;
    for (int64_t i = begin; i < end; i++) x[i] = c->cap * lethe_tanh(x[i] / c->cap);
}

void lethe_softcap_forward(float *x, float cap, int64_t count) {
    rows_of_logits c = {.logits = x, .cap = cap};
    lethe_parallel(count, 64, count * 10, softcap_forward_range, &c);
}

LETHE_CLONES static void softcap_backward_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const rows_of_logits *c = context;
    float *restrict dy = c->logits;
    const float *restrict y = c->input;
    for (int64_t i = begin; i < end; i++) {
        float t = y[i] / c->cap;
        dy[i] *= 1.0f - t * t;
    }
}

void lethe_softcap_backward(float *dy, const float *y, float cap, int64_t count) {
    rows_of_logits c = {.logits = dy, .input = y, .cap = cap};
    lethe_parallel(count, 64, count * 3, softcap_backward_range, &c);
}
