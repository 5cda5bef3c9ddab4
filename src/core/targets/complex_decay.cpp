// Decays that are complex: a plain loop over each line, all lines of a piece at once, of any
// strides.
//
// For all targets alike: where a processor has one instruction for it, GCC 12 rounds the product
// and the sum once, whatever -ffp-contract says.
#include "source.h"
#include "table.h"

namespace cumsum {
namespace {

template <class Part>
struct ComplexDecay {
  using Number = Complex<double>;

  static Number load_number(const char* p) {
    const auto x = read<Complex<Part>>(p);
    return {x.real, x.imag};
  }

  static void store_number(char* p, Number value) {
    write(p, Complex<Part>{static_cast<Part>(value.real), static_cast<Part>(value.imag)});
  }

  static void scan(const Piece& p) {
    for (int64_t i = 0; i < p.length; ++i) {
      for (int64_t line = 0; line < p.lines; ++line) {
        char* const total = p.carry + line * int64_t{sizeof(Number)};
        const auto a = read<Number>(p.decay + i * p.decay_scan + line * p.decay_line);
        const Number term = load_number(p.x + i * p.x_scan + line * p.x_line);
        const auto before = read<Number>(total);
        const Number sum = {a.real * before.real - a.imag * before.imag + term.real,
                            a.real * before.imag + a.imag * before.real + term.imag};
        write(total, sum);
        store_number(p.y + i * p.y_scan + line * p.y_line, p.exclusive ? before : sum);
      }
    }
  }

  static void set(char* carry, const char* values, int64_t stride, int64_t lines) {
    for (int64_t line = 0; line < lines; ++line) {
      write(carry + line * int64_t{sizeof(Number)}, load_number(values + line * stride));
    }
  }
};

template <class Part>
constexpr KernelSet make_set() {
  KernelSet set{};
  set.scan[int(Walk::rows)] = set.scan[int(Walk::columns)] = ComplexDecay<Part>::scan;
  set.set = ComplexDecay<Part>::set;
  set.carry_size = sizeof(Complex<double>);
  set.planes = set.channels = 1;
  set.any_strides = true;
  return set;
}

}  // namespace

constinit const KernelSet complex64_decays = make_set<float>(),
                          complex128_decays = make_set<double>();

}  // namespace cumsum
