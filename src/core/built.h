// The instruction sets that this build has kernels for (CUMSUM_TARGETS), best first.
#pragma once

#ifdef CUMSUM_HAS_avx512
#define CUMSUM_IF_AVX512(f) f(avx512)
#else
#define CUMSUM_IF_AVX512(f)
#endif
#ifdef CUMSUM_HAS_avx2
#define CUMSUM_IF_AVX2(f) f(avx2)
#else
#define CUMSUM_IF_AVX2(f)
#endif
#ifdef CUMSUM_HAS_baseline
#define CUMSUM_IF_BASELINE(f) f(baseline)
#else
#define CUMSUM_IF_BASELINE(f)
#endif
#ifdef CUMSUM_HAS_neon
#define CUMSUM_IF_NEON(f) f(neon)
#else
#define CUMSUM_IF_NEON(f)
#endif

#define CUMSUM_EACH_TARGET(f) \
  CUMSUM_IF_AVX512(f) CUMSUM_IF_AVX2(f) CUMSUM_IF_BASELINE(f) CUMSUM_IF_NEON(f)
