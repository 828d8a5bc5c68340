// Functions that vectorise inside a loop.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "parallel.h"

// exp by range reduction to [-ln2/2, ln2/2] and a degree-6 polynomial (Cephes coefficients); relative error below
// 2e-7. Below -87 the result is 0, above 88 it saturates.
LETHE_INLINE float lethe_exp(float x) {
#pragma clang fp contract(fast)
    float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    float n = __builtin_rintf(clamped * 1.44269504088896341f);
    float r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    float result = p * scale;
    return x < -87.0f ? 0.0f : result;
}

LETHE_INLINE float lethe_tanh(float x) {
    // Through exp of a non-positive argument, so that nothing overflows; a short series near 0, where it cancels.
    float magnitude = x < 0 ? -x : x;
    float e = lethe_exp(-2.0f * magnitude);
    float large = (1.0f - e) / (1.0f + e);
    float square = x * x;
    float small = magnitude * (1.0f + square * (-0.33333333f + square * (0.13333333f - square * 0.053968254f)));
    float result = magnitude < 0.1f ? small : large;
    return x < 0 ? -result : result;
}
