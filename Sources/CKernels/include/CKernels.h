// Element-wise and attention kernels of the engine, in fp32, row-major. The compiler makes one version of each for
// AVX-512, one for AVX2 and one for the baseline; the machine's is chosen when the program is loaded.
//
// No function allocates unless it says so, and none checks its arguments: the Swift side owns every bound. Loops run
// on the same OpenMP threads as the matrix products. Each output element has one writer and one order of addition, so
// a result depends only on its input and on the instruction set.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// y[rows, d] = x * rstd * (weight + offset); rstd[rows] is kept for backward. Zhang and Sennrich 2019.
void lethe_rms_norm_forward(float *y, float *rstd, const float *x, int64_t x_stride, const float *weight, float offset,
                            float eps, int64_t rows, int64_t d, int64_t y_stride);
// dx[rows, d] += ...; dweight[d] += ... unless NULL.
void lethe_rms_norm_backward(float *dx, int64_t dx_stride, float *dweight, const float *dy, int64_t dy_stride,
                             const float *x, int64_t x_stride, const float *rstd, const float *weight, float offset,
                             int64_t rows, int64_t d);

// y = (x - mean) * rstd * weight + bias (bias may be NULL). Ba, Kiros and Hinton 2016.
void lethe_layer_norm_forward(float *y, float *mean, float *rstd, const float *x, const float *weight, const float *bias,
                              float eps, int64_t rows, int64_t d);
void lethe_layer_norm_backward(float *dx, float *dweight, float *dbias, const float *dy, const float *x,
                               const float *mean, const float *rstd, const float *weight, int64_t rows, int64_t d);

// Rotary position embedding (Su et al. 2021) on `heads` heads of each row, in place, halves rotated against each
// other: (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin). cosine and sine are [positions, rotary / 2]. direction -1
// gives the transpose, for backward.
void lethe_rope(float *x, int64_t stride, int64_t rows, int64_t heads, int64_t head_dim, int64_t rotary,
                const float *cosine, const float *sine, const int32_t *positions, float direction);

// y[rows, n] (+)= x[rows, k] · w[n, k]^T for a few rows. w is read once and in order, as it lies; oneDNN copies it to a
// layout of its own first, which takes it a quarter of the time at 32 rows and half of it at one.
void lethe_narrow_product(float *y, int64_t y_stride, const float *x, int64_t x_stride, const float *w, int64_t rows,
                          int64_t n, int64_t k, int32_t accumulate);
// Rows up to which it is the faster of the two on this machine: its tiles need the registers of AVX-512.
int64_t lethe_narrow_rows(void);

typedef struct {
    int64_t query_heads, kv_heads, head_dim;
    int64_t q_stride, kv_stride, out_stride;  // elements from one token's row to the next
    float scale;                              // multiplies q . k
    float softcap;                            // 0: none; else softcap * tanh(score / softcap)
    int64_t window;                           // 0: none; else a query sees its own and the window - 1 keys before it
    int32_t causal;
} lethe_attention_shape;

// out = softmax(scale * q k^T) v within each segment; segments are rows [offsets[i], offsets[i + 1]). log_sum_exp is
// [rows, query_heads]. Allocates scratch of about 64 * (longest segment) floats a thread; returns -1 if it cannot.
int lethe_attention_forward(float *out, float *log_sum_exp, const float *q, const float *k, const float *v,
                            const lethe_attention_shape *shape, const int64_t *offsets, int64_t segments);
// dq, dk, dv get the gradients (overwritten). Probabilities are recomputed from log_sum_exp, as in Dao et al. 2022.
int lethe_attention_backward(float *dq, float *dk, float *dv, const float *dout, const float *out,
                             const float *log_sum_exp, const float *q, const float *k, const float *v,
                             const lethe_attention_shape *shape, const int64_t *offsets, int64_t segments);
// One new query row for each sequence against its cache: sequence i has lengths[i] keys, the last one its own, at
// keys[i] and values[i], each [length, kv_heads * head_dim].
int lethe_attention_decode(float *out, const float *q, const float *const *keys, const float *const *values,
                           const int64_t *lengths, int64_t sequences, const lethe_attention_shape *shape);

enum { LETHE_SILU = 0, LETHE_GELU = 1, LETHE_GELU_TANH = 2, LETHE_RELU = 3 };

// out[rows, f] = act(gate) * up, with gate and up side by side in gate_up [rows, 2 f].
void lethe_gated_forward(float *out, const float *gate_up, int64_t rows, int64_t f, int32_t activation);
// Overwrites gate_up with its gradient; out (may be NULL) gets act(gate) * up again, for the weight gradient.
void lethe_gated_backward(float *gate_up, float *out, const float *dout, int64_t rows, int64_t f, int32_t activation);
// y = act(x); backward overwrites x with its gradient and gives act(x) in out unless NULL.
void lethe_activation_forward(float *y, const float *x, int64_t count, int32_t activation);
void lethe_activation_backward(float *x, float *out, const float *dy, int64_t count, int32_t activation);

// What one row of logits says of its target. mean and variance are those of log p under p itself (Zhang et al. 2024,
// min-k++); both may be NULL. argmax may be NULL.
void lethe_logit_statistics(float *nll, float *log_sum_exp, int32_t *argmax, float *mean, float *variance,
                            const float *logits, const int32_t *targets, int64_t rows, int64_t vocabulary);
// logits := coefficient[row] * (softmax(logits) - onehot(target)): the gradient of coefficient * nll.
void lethe_cross_entropy_backward(float *logits, const float *log_sum_exp, const int32_t *targets,
                                  const float *coefficients, int64_t rows, int64_t vocabulary);
// loss[row] = KL(softmax(reference) || softmax(logits)); logits := coefficient[row] * its gradient unless
// coefficients is NULL.
void lethe_kl_forward_backward(float *loss, float *logits, const float *reference, const float *coefficients,
                               int64_t rows, int64_t vocabulary);
// loss[row] = -sum_v p(v) log p_ref(v), p = softmax(logits): the cross-entropy that FIT publishes as KL; gradient as
// above.
void lethe_reverse_cross_entropy(float *loss, float *logits, const float *reference, const float *coefficients,
                                 int64_t rows, int64_t vocabulary);
// loss[row] = -sum_v q(v) log p(v), p = softmax(logits), q = softmax(base) with the target's logit lowered by shift
// (1e30 or more: the target left out); base is overwritten, and NULL means the logits themselves. q has no gradient;
// logits := coefficient[row] * the loss's gradient. A row of coefficient 0 has loss 0.
void lethe_shifted_target_cross_entropy(float *loss, float *logits, float *base, const int32_t *targets, float shift,
                                        const float *coefficients, int64_t rows, int64_t vocabulary);
// loss[row] = (max - mean)^2 of the row's logits; logits := coefficient[row] * its gradient, the first maximum's.
void lethe_logit_spread(float *loss, float *logits, const float *coefficients, int64_t rows, int64_t vocabulary);
// x := cap * tanh(x / cap), and its gradient given the capped value y.
void lethe_softcap_forward(float *x, float cap, int64_t count);
void lethe_softcap_backward(float *dy, const float *y, float cap, int64_t count);

// Loshchilov and Hutter 2019: decoupled weight decay. correction1 = 1 - beta1^t, correction2 = 1 - beta2^t.
void lethe_adamw(float *weight, float *m, float *v, const float *gradient, int64_t count, float learning_rate,
                 float beta1, float beta2, float eps, float weight_decay, float correction1, float correction2);

void lethe_copy(float *y, const float *x, int64_t count);               // y = x, which do not overlap
void lethe_clear(float *y, int64_t count);                              // y = 0
void lethe_add(float *y, const float *x, int64_t count);                // y += x
void lethe_scale(float *y, float factor, int64_t count);                // y *= factor
void lethe_axpy(float *y, float factor, const float *x, int64_t count);  // y += factor * x
void lethe_add_bias(float *y, const float *bias, int64_t rows, int64_t d);
// dbias[d] += sum over rows of dy.
void lethe_bias_backward(float *dbias, const float *dy, int64_t rows, int64_t d, int64_t stride);
double lethe_sum_of_squares(const float *x, int64_t count);
double lethe_dot(const float *x, const float *y, int64_t count);
void lethe_to_bfloat16(uint16_t *y, const float *x, int64_t count);  // round to nearest even
void lethe_from_bfloat16(float *y, const uint16_t *x, int64_t count);
// largest[q] = max over i of queries[q] . memory[i], memory in bfloat16, [count, dimension]; queries [query_count,
// dimension] in fp32. partial is scratch of threads * query_count floats.
void lethe_largest_dot_products(float *largest, float *partial, const float *queries, int64_t query_count,
                                const uint16_t *memory, int64_t count, int64_t dimension);

#ifdef __cplusplus
}
#endif
