#include "CKernels.h"
#include "vector_math.h"

// Value and derivative of an activation at x. gelu: Hendrycks and Gimpel 2016; silu: Elfwing et al. 2018.
LETHE_INLINE float value_of(float x, int32_t kind) {
    switch (kind) {
        case LETHE_SILU: return x / (1.0f + lethe_exp(-x));
        case LETHE_GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
        case LETHE_GELU_TANH:
            return 0.5f * x * (1.0f + lethe_tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
        default: return x > 0 ? x : 0;
    }
}

LETHE_INLINE float derivative_of(float x, int32_t kind) {
    switch (kind) {
        case LETHE_SILU: {
            float s = 1.0f / (1.0f + lethe_exp(-x));
            return s * (1.0f + x * (1.0f - s));
        }
        case LETHE_GELU:
            return 0.5f * (1.0f + erff(x * 0.70710678118654752f)) + x * 0.39894228040143268f * lethe_exp(-0.5f * x * x);
        case LETHE_GELU_TANH: {
            float t = lethe_tanh(0.79788456080286536f * (x + 0.044715f * x * x * x));
            return 0.5f * (1.0f + t)
                + 0.5f * x * (1.0f - t * t) * 0.79788456080286536f * (1.0f + 3.0f * 0.044715f * x * x);
        }
        default: return x > 0 ? 1 : 0;
    }
}

typedef struct {
    float *out, *gate_up;
    const float *input, *dout;
    int64_t f;
    int32_t kind;
} gated;

// One loop a kind, so that each vectorises.
#define EACH_KIND(...) \
    switch (c->kind) {                                      \
        case LETHE_SILU: { enum { kind = LETHE_SILU }; __VA_ARGS__ } break;           \
        case LETHE_GELU: { enum { kind = LETHE_GELU }; __VA_ARGS__ } break;           \
        case LETHE_GELU_TANH: { enum { kind = LETHE_GELU_TANH }; __VA_ARGS__ } break; \
        default: { enum { kind = LETHE_RELU }; __VA_ARGS__ } break;                   \
    }

LETHE_CLONES static void gated_forward_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const gated *c = context;
    for (int64_t row = begin; row < end; row++) {
        const float *restrict gate = c->input + row * 2 * c->f;
        const float *restrict up = gate + c->f;
        float *restrict out = c->out + row * c->f;
        EACH_KIND(for (int64_t i = 0; i < c->f; i++) out[i] = value_of(gate[i], kind) * up[i];)
    }
}

void lethe_gated_forward(float *out, const float *gate_up, int64_t rows, int64_t f, int32_t activation) {
    gated c = {.out = out, .input = gate_up, .f = f, .kind = activation};
    lethe_parallel(rows, 1, rows * f * 10, gated_forward_rows, &c);
}

LETHE_CLONES static void gated_backward_rows(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const gated *c = context;
    for (int64_t row = begin; row < end; row++) {
        float *restrict gate = c->gate_up + row * 2 * c->f;
        float *restrict up = gate + c->f;
        const float *restrict dout = c->dout + row * c->f;
        if (c->out) {
            float *restrict out = c->out + row * c->f;
            EACH_KIND(for (int64_t i = 0; i < c->f; i++) {
                float g = gate[i], u = up[i], a = value_of(g, kind), d = dout[i];
                out[i] = a * u;
                gate[i] = d * u * derivative_of(g, kind);
                up[i] = d * a;
            })
        } else {
            EACH_KIND(for (int64_t i = 0; i < c->f; i++) {
                float g = gate[i], u = up[i], d = dout[i];
                gate[i] = d * u * derivative_of(g, kind);
                up[i] = d * value_of(g, kind);
            })
        }
    }
}

void lethe_gated_backward(float *gate_up, float *out, const float *dout, int64_t rows, int64_t f, int32_t activation) {
    gated c = {.out = out, .gate_up = gate_up, .dout = dout, .f = f, .kind = activation};
    lethe_parallel(rows, 1, rows * f * 20, gated_backward_rows, &c);
}

typedef struct {
    float *x, *out;
    const float *input, *dy;
    int32_t kind;
} plain;

LETHE_CLONES static void activation_forward_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const plain *c = context;
    const float *restrict x = c->input;
    float *restrict y = c->out;
    EACH_KIND(for (int64_t i = begin; i < end; i++) y[i] = value_of(x[i], kind);)
}

void lethe_activation_forward(float *y, const float *x, int64_t count, int32_t activation) {
    plain c = {.out = y, .input = x, .kind = activation};
    lethe_parallel(count, 64, count * 10, activation_forward_range, &c);
}

LETHE_CLONES static void activation_backward_range(void *context, int64_t begin, int64_t end) {
#pragma clang fp contract(fast)
    const plain *c = context;
    float *restrict x = c->x;
    const float *restrict dy = c->dy;
    if (c->out) {
        float *restrict out = c->out;
        EACH_KIND(for (int64_t i = begin; i < end; i++) {
            float v = x[i];
            out[i] = value_of(v, kind);
            x[i] = dy[i] * derivative_of(v, kind);
        })
    } else {
        EACH_KIND(for (int64_t i = begin; i < end; i++) x[i] = dy[i] * derivative_of(x[i], kind);)
    }
}

void lethe_activation_backward(float *x, float *out, const float *dy, int64_t count, int32_t activation) {
    plain c = {.x = x, .out = out, .dy = dy, .kind = activation};
    lethe_parallel(count, 64, count * 20, activation_backward_range, &c);
}
