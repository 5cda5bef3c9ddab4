// Elements that add nothing: on their way into a buffer, and out of one.

#include "cast.h"
#include "kinds.h"
#include "source.h"

namespace cumsum {
namespace {

// Elements that are one word each are taken as many at a time as a vector has lanes for; others go
// without vectors, as they are as wide as half of one.
template <class T>
inline constexpr bool is_word = sizeof(T) <= 8;
template <class T>
using Word = WordOf<is_word<T> ? sizeof(T) : 8>;
template <class T>
inline constexpr int lanes = is_word<T> ? vector_bytes / int{sizeof(Word<T>)} : 1;
template <class T>
using Several = Vector<Word<T>, lanes<T>>;
template <class T>
inline constexpr bool has_nan = !std::is_integral_v<T>;
template <class T>
inline constexpr int64_t size_of = sizeof(T);

// Of a 16-bit float: the bits of infinity, which those of NaN are above.
template <class T>
inline constexpr int infinity = __is_same(T, Float16) ? 0x7c00 : 0x7f80;

template <class T>
inline bool is_nan(const char* p) {
  if constexpr (is_half<T>) {
    return (read<uint16_t>(p) & 0x7fff) > infinity<T>;
  } else {
    const T value = read<T>(p);
    if constexpr (requires { value.real; }) {
      return value.real != value.real || value.imag != value.imag;
    } else {
      return value != value;
    }
  }
}

// All bits of each lane that is NaN.
template <class T, int L, class V>
inline V are_nan(V x) {
  if constexpr (is_half<T>) {
    using Signed = Vector<int16_t, L>;
    return bit_cast<V>(bit_cast<Signed>(x & 0x7fff) > int16_t{infinity<T>});
  } else if constexpr (__is_same(T, Complex<float>)) {
    const auto parts = bit_cast<Vector<float, 2 * L>>(x);
    const auto found = bit_cast<V>(parts != parts);
    return found | found << 32 | found >> 32;
  } else {
    const auto values = bit_cast<Vector<T, L>>(x);
    return bit_cast<V>(values != values);
  }
}

template <class T>
inline T make_nan() {
  if constexpr (__is_same(T, Float16)) {
    return {0x7e00};
  } else if constexpr (__is_same(T, BFloat16)) {
    return {0x7fc0};
  } else if constexpr (requires(T value) { value.real; }) {
    using Part = decltype(T{}.real);
    return {make_nan<Part>(), make_nan<Part>()};
  } else {
    return static_cast<T>(__builtin_nan(""));
  }
}

// ---- into a buffer ----------------------------------------------------------------------------

template <class T, bool masked, bool skipna>
void fill_row(const char* x, const char* mask, char* y, char* kept, int64_t count) {
  int64_t i = 0;
  if constexpr (lanes<T> > 1) {
    for (; i + lanes<T> <= count; i += lanes<T>) {
      const auto value = read<Several<T>>(x + i * size_of<T>);
      auto keep = ~Several<T>{};
      if constexpr (masked) keep = lengthen<Word<T>, lanes<T>>(mask + i);
      if constexpr (skipna) keep &= ~are_nan<T, lanes<T>>(value);
      write(y + i * size_of<T>, value & keep);
      if (kept) write(kept + i, __builtin_convertvector(keep, Vector<uint8_t, lanes<T>>));
    }
  }
  for (; i < count; ++i) {
    bool keep = true;
    if constexpr (masked) keep = mask[i] != 0;
    if constexpr (skipna) keep = keep && !is_nan<T>(x + i * size_of<T>);
    for (int64_t at = i * size_of<T>; at < (i + 1) * size_of<T>; at += sizeof(Word<T>)) {
      write(y + at, static_cast<Word<T>>(keep ? read<Word<T>>(x + at) : 0));
    }
    if (kept) kept[i] = keep ? -1 : 0;
  }
}

template <class T>
void fill(const MaskRows& p) {
  using Fill = decltype(&fill_row<T, false, false>);
  Fill masked = fill_row<T, true, false>, whole = fill_row<T, false, false>;
  if constexpr (has_nan<T>) {
    if (p.skipna) masked = fill_row<T, true, true>, whole = fill_row<T, false, true>;
  }
  const bool each = p.mask && !p.one_for_row;
  for (int64_t row = 0; row < p.rows; ++row) {
    const char* const mask = p.mask + row * p.mask_row;
    char* const y = p.y + row * p.y_row;
    char* const kept = p.kept ? p.kept + row * p.kept_row : nullptr;
    if (p.mask && p.one_for_row && *mask == 0) {
      __builtin_memset(y, 0, p.count * size_of<T>);
      if (kept) __builtin_memset(kept, 0, p.count);
    } else if (!each && !p.skipna && !kept) {
      __builtin_memmove(y, p.x + row * p.x_row, p.count * size_of<T>);
    } else {
      (each ? masked : whole)(p.x + row * p.x_row, mask, y, kept, p.count);
    }
  }
}

// ---- and out of it ----------------------------------------------------------------------------

// Whether element i is shown: by the byte of a mask, or if it is a number.
template <class T, bool masked>
inline bool is_shown(const char* by, int64_t i) {
  if constexpr (masked) return by[i] != 0;
  return !is_nan<T>(by + i * size_of<T>);
}

template <class T, bool masked>
inline Several<T> are_shown(const char* by, int64_t i) {
  if constexpr (masked) {
    return lengthen<Word<T>, lanes<T>>(by + i);
  } else {
    return ~are_nan<T, lanes<T>>(read<Several<T>>(by + i * size_of<T>));
  }
}

template <class T, bool masked>
void show_row(const char* x, const char* by, char* y, int64_t count,
              [[maybe_unused]] bool past_cache) {
  int64_t i = 0;
  const auto show_one = [&] {
    const bool shown = is_shown<T, masked>(by, i);
    write(y + i * size_of<T>, shown ? read<T>(x + i * size_of<T>) : make_nan<T>());
    ++i;
  };
  if constexpr (lanes<T> > 1) {
    const auto nan = Several<T>{} + bit_cast<Word<T>>(make_nan<T>());
#if defined(__x86_64__)
    const auto end = reinterpret_cast<uintptr_t>(y);
    while (past_cache && i < count && (end + i * size_of<T>) % vector_bytes != 0) show_one();
#endif
    for (; i + lanes<T> <= count; i += lanes<T>) {
      const auto keep = are_shown<T, masked>(by, i);
      const auto value = (read<Several<T>>(x + i * size_of<T>) & keep) | (nan & ~keep);
#if defined(__x86_64__)
      if (past_cache) {
        stream(y + i * size_of<T>, bit_cast<Vector<char, vector_bytes>>(value));
        continue;
      }
#endif
      write(y + i * size_of<T>, value);
    }
  }
  while (i < count) show_one();
}

template <class T>
void show(const MaskRows& p) {
  for (int64_t row = 0; row < p.rows; ++row) {
    const char* const x = p.x + row * p.x_row;
    char* const y = p.y + row * p.y_row;
    if (p.mask) {
      show_row<T, true>(x, p.mask + row * p.mask_row, y, p.count, p.past_cache);
    } else {
      show_row<T, false>(x, p.source + row * p.source_row, y, p.count, p.past_cache);
    }
  }
}

// ---- the tables -------------------------------------------------------------------------------

template <class T>
void add(Kernels& kernels, DType dtype) {
  kernels.fill[int(dtype)] = fill<T>;
  if constexpr (has_nan<T>) kernels.show[int(dtype)] = show<T>;
}

}  // namespace

void CUMSUM_TARGET::add_masks(Kernels& kernels) {
  add<uint8_t>(kernels, DType::boolean);
  add<uint8_t>(kernels, DType::uint8);
  add<uint8_t>(kernels, DType::int8);
  add<uint16_t>(kernels, DType::uint16);
  add<uint16_t>(kernels, DType::int16);
  add<uint32_t>(kernels, DType::uint32);
  add<uint32_t>(kernels, DType::int32);
  add<uint64_t>(kernels, DType::uint64);
  add<uint64_t>(kernels, DType::int64);
  add<Float16>(kernels, DType::float16);
  add<BFloat16>(kernels, DType::bfloat16);
  add<float>(kernels, DType::float32);
  add<double>(kernels, DType::float64);
  add<long double>(kernels, DType::longdouble);
  add<Complex<float>>(kernels, DType::complex64);
  add<Complex<double>>(kernels, DType::complex128);
  add<Complex<long double>>(kernels, DType::clongdouble);
}

}  // namespace cumsum
