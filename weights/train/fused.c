/* Group norm with a scale and a shift of each picture's channels, and SiLU after it: what stands before every convolution, in one
   pass instead of six. bf16 pictures [n][place][channel] (channels last), everything else f32. fused.py compiles and calls it. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline float wide(uint16_t v) {
  uint32_t bits = (uint32_t)v << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

/* To nearest, ties to even; no NaNs. */
static inline uint16_t narrow(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* out = act(scale · x̂ + shift), x̂ = (x − mean) · rstd; scale and shift [n][channels], mean and rstd [n][groups] are written. */
void forward(const uint16_t *x, const float *scale, const float *shift, uint16_t *out, float *means, float *rstds,
             long n, long places, long channels, long groups, float eps, int silu, int threads) {
#pragma omp parallel for num_threads(threads)
  for (long i = 0; i < n; i++) {
    const uint16_t *from = x + i * places * channels;
    uint16_t *to = out + i * places * channels;
    float *sums = calloc(4 * channels, sizeof(float)), *squares = sums + channels, *a = sums + 2 * channels, *b = sums + 3 * channels;
    long width = channels / groups;
    /* A shift by the first place's values keeps the squares' sums exact enough. */
    for (long c = 0; c < channels; c++) a[c] = wide(from[c / width * width]);
    for (long p = 0; p < places; p++)
      for (long c = 0; c < channels; c++) {
        float v = wide(from[p * channels + c]) - a[c];
        sums[c] += v;
        squares[c] += v * v;
      }
    for (long g = 0; g < groups; g++) {
      double sum = 0, square = 0;
      for (long c = g * width; c < (g + 1) * width; c++) sum += sums[c], square += squares[c];
      double mean = sum / (width * places), variance = square / (width * places) - mean * mean;
      means[i * groups + g] = mean + a[g * width];
      rstds[i * groups + g] = 1 / sqrt((variance > 0 ? variance : 0) + eps);
    }
    for (long c = 0; c < channels; c++) {
      long g = i * groups + c / width;
      a[c] = rstds[g] * scale[i * channels + c];
      b[c] = shift[i * channels + c] - means[g] * a[c];
    }
    if (silu)
      for (long p = 0; p < places; p++)
        for (long c = 0; c < channels; c++) {
          float y = a[c] * wide(from[p * channels + c]) + b[c];
          to[p * channels + c] = narrow(y / (1 + expf(-y)));
        }
    else
      for (long p = 0; p < places; p++)
        for (long c = 0; c < channels; c++) to[p * channels + c] = narrow(a[c] * wide(from[p * channels + c]) + b[c]);
    free(sums);
  }
}

/* d_out → d_x, and the gradients of scale and shift [n][channels]. */
void backward(const uint16_t *x, const float *scale, const float *shift, const float *means, const float *rstds, const uint16_t *d_out,
              uint16_t *d_x, float *d_scale, float *d_shift, long n, long places, long channels, long groups, int silu, int threads) {
#pragma omp parallel for num_threads(threads)
  for (long i = 0; i < n; i++) {
    const uint16_t *from = x + i * places * channels, *out = d_out + i * places * channels;
    uint16_t *to = d_x + i * places * channels;
    float *d_y = malloc((places + 5) * channels * sizeof(float));
    float *a = d_y + places * channels, *b = a + channels, *c0 = b + channels, *dots = c0 + channels, *sums = dots + channels;
    long width = channels / groups;
    for (long c = 0; c < channels; c++) {
      long g = i * groups + c / width;
      a[c] = rstds[g] * scale[i * channels + c];
      b[c] = shift[i * channels + c] - means[g] * a[c];
      dots[c] = sums[c] = 0;
    }
    for (long p = 0; p < places; p++)
      for (long c = 0; c < channels; c++) {
        float v = wide(from[p * channels + c]), d = wide(out[p * channels + c]);
        if (silu) {
          float y = a[c] * v + b[c], s = 1 / (1 + expf(-y));
          d *= s * (1 + y * (1 - s));
        }
        d_y[p * channels + c] = d;
        sums[c] += d;
        dots[c] += d * v;
      }
    for (long g = 0; g < groups; g++) {
      float mean = means[i * groups + g], rstd = rstds[i * groups + g];
      double first = 0, second = 0;
      for (long c = g * width; c < (g + 1) * width; c++) {
        float along = rstd * (dots[c] - mean * sums[c]);
        d_scale[i * channels + c] = along;
        d_shift[i * channels + c] = sums[c];
        first += scale[i * channels + c] * sums[c];
        second += scale[i * channels + c] * along;
      }
      float m1 = first / (width * places), m2 = second / (width * places);
      for (long c = g * width; c < (g + 1) * width; c++) {
        b[c] = -rstd * rstd * m2;
        c0[c] = -rstd * m1 + rstd * rstd * mean * m2;
      }
    }
    for (long p = 0; p < places; p++)
      for (long c = 0; c < channels; c++)
        to[p * channels + c] = narrow(a[c] * d_y[p * channels + c] + b[c] * wide(from[p * channels + c]) + c0[c]);
    free(d_y);
  }
}
