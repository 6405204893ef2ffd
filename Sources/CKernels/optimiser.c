#include <math.h>

#include "kernels.h"
#include "vector.h"

KERNEL(
    void, kernel_adamw,
    (float *parameters, const float *gradients, float *first, float *second, int64_t count,
     const struct kernel_adamw_settings *settings),
    (parameters, gradients, first, second, count, settings)) {
  const struct kernel_adamw_settings s = *settings;
  for (int64_t i = 0; i < count; i++) {
    const float g = gradients[i] * s.gradient_scale;
    const float m = first[i] + s.first_share * (g - first[i]);
    const float v = s.second_keep * second[i] + s.second_share * g * g;
    first[i] = m;
    second[i] = v;
    parameters[i] = parameters[i] * s.keep - s.rate * m / (sqrtf(v) / s.second_root + s.epsilon);
  }
}
