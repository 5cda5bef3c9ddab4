#include "exact.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "policy.h"
#include "target.h"
#include "threads.h"

namespace cumsum {
#if defined(__x86_64__)
namespace avx512 {
extern const ExactTarget exact;
}
namespace avx2 {
extern const ExactTarget exact;
}
#endif
#if defined(__aarch64__)
namespace neon {
extern const ExactTarget exact;
}
namespace always = neon;
#else
namespace baseline {
extern const ExactTarget exact;
}
namespace always = baseline;
#endif

namespace {

const ExactTarget& exact_target() {
  const ExactTarget* found = &always::exact;
#if defined(__x86_64__)
  for (const ExactTarget* target : {&avx512::exact, &avx2::exact}) {
    if (std::strcmp(target->name, current_target().name) == 0) found = target;
  }
#endif
  return *found;
}

Wide read_wide(const char* p) {
  int64_t words[2];
  std::memcpy(words, p, sizeof words);
  return (Wide{words[1]} << 64) + static_cast<uint64_t>(words[0]);
}

constexpr Survey untouched{0, widest, -widest};

struct Tile {
  const char* x;
  int64_t x_scan, x_line;  // in bytes
  int64_t length, lines;
  bool columns;  // lines lie side by side
};

// Adds up tiles of integers of one type.
class Adder {
 public:
  explicit Adder(DType x)
      : x_size_(item_size(x)),
        is_long_(x_size_ == 8),
        is_signed_(x == DType::int64),
        within_(exact_target().within[int(x)]),
        direct_(current_target().pairs[int(x)][int(DType::int64)]),
        packed_(current_target().pairs[int(DType::int64)][int(DType::int64)]),
        pack_(current_target().copy[int(x)][int(DType::int64)]) {}

  // Go on with the surveys of the tile's lines.
  void survey(const Tile& tile, bool exclusive, Survey* lines) const {
    Buffer buffer;
    if (is_near(tile)) {
      const Sums sums = add_up(tile, buffer);
      exact_target().survey(shown(sums, exclusive), lines);
      for (int64_t i = 0; i < tile.lines; ++i) lines[i].sum += total(sums, i);
    } else {
      Buffer upper;
      const Halves sums = add_up_halves(tile, buffer, upper);
      Wide totals[exact_lines];
      for (int64_t i = 0; i < tile.lines; ++i) totals[i] = total(sums, i);
      exact_target().survey_halves(shown(sums, exclusive), lines);
      for (int64_t i = 0; i < tile.lines; ++i) lines[i].sum += totals[i];
    }
  }

  // Go on with the sums of the tile's lines, and have them stored, clamped to the range.
  template <class StorePiece>
  void clamp(const Tile& tile, bool exclusive, Range range, Wide* carries, StorePiece store) const {
    Buffer buffer;
    Wide after[exact_lines];
    if (is_near(tile)) {
      const Sums sums = add_up(tile, buffer);
      for (int64_t i = 0; i < tile.lines; ++i) after[i] = carries[i] + total(sums, i);
      exact_target().clamp(shown(sums, exclusive), carries, range);
      store(piece_of(shown(sums, exclusive)));
    } else {
      Buffer upper;
      const Halves sums = add_up_halves(tile, buffer, upper);
      for (int64_t i = 0; i < tile.lines; ++i) after[i] = carries[i] + total(sums, i);
      exact_target().clamp_halves(shown(sums, exclusive), carries, range);
      store(piece_of(shown(sums.lower, exclusive)));
    }
    std::copy(after, after + tile.lines, carries);
  }

 private:
  // The sums of a tile, and before them those of no elements.
  struct Buffer {
    alignas(64) int64_t sums[exact_elements + std::max(exact_lines, exact_length)];
  };

  static Sums place(const Tile& tile, Buffer& buffer, bool columns) {
    if (columns) return {buffer.sums + tile.lines, tile.lines, 1, tile.length, tile.lines};
    return {buffer.sums + 1, 1, tile.length + 1, tile.length, tile.lines};
  }

  static Sums shown(Sums sums, bool exclusive) {
    if (exclusive) sums.at -= sums.scan;
    return sums;
  }

  static Halves shown(const Halves& sums, bool exclusive) {
    return {shown(sums.lower, exclusive), sums.upper - exclusive * sums.lower.scan};
  }

  static int64_t last(const Sums& sums, int64_t line) {
    return line * sums.line + (sums.length - 1) * sums.scan;
  }
  static Wide total(const Sums& sums, int64_t line) { return sums.at[last(sums, line)]; }
  static Wide total(const Halves& sums, int64_t line) {
    const int64_t at = last(sums.lower, line);
    return (Wide{sums.upper[at]} << 32) + sums.lower.at[at];
  }

  // From the sums to themselves.
  static Piece piece_of(const Sums& sums) {
    constexpr int64_t size = sizeof(int64_t);
    Piece piece{};
    piece.x = piece.y = reinterpret_cast<char*>(sums.at);
    piece.x_scan = piece.y_scan = sums.scan * size;
    piece.x_line = piece.y_line = sums.line * size;
    piece.length = sums.length;
    piece.lines = sums.lines;
    return piece;
  }

  bool is_near(const Tile& tile) const {
    if (!is_long_) return true;
    const int64_t runs = tile.columns ? tile.length : tile.lines;
    const int64_t stride = tile.columns ? tile.x_line : tile.x_scan;
    const int64_t between = tile.columns ? tile.x_scan : tile.x_line;
    const int64_t count = tile.columns ? tile.lines : tile.length;
    for (int64_t i = 0; i < runs; ++i) {
      if (!within_(tile.x + i * between, stride, count, {1 - near, near - 1})) return false;
    }
    return true;
  }

  static void begin_with_zero(const Sums& sums) {
    for (int64_t i = 0; i < sums.lines; ++i) sums.at[i * sums.line - sums.scan] = 0;
  }

  static Piece between(const Tile& tile, const Sums& sums) {
    Piece piece = piece_of(sums);
    piece.x = tile.x;
    piece.x_scan = tile.x_scan;
    piece.x_line = tile.x_line;
    return piece;
  }

  Sums add_up(const Tile& tile, Buffer& buffer) const {
    const Sums sums = place(tile, buffer, tile.columns);
    begin_with_zero(sums);
    Piece piece = between(tile, sums);
    const bool direct = (tile.columns ? tile.x_line : tile.x_scan) == x_size_;
    if (!direct) {
      pack_(piece);
      piece = piece_of(sums);
    }
    const PairKernels& pair = direct ? direct_ : packed_;
    if (tile.columns) {
      int64_t carry[exact_lines] = {}, chain[exact_lines] = {};
      piece.carry = reinterpret_cast<char*>(carry);
      piece.chain = reinterpret_cast<char*>(chain);
      pair.columns[int(Store::inclusive)](piece);
    } else {
      pair.rows[int(Store::inclusive)](piece);
    }
    return sums;
  }

  // As rows, whichever way the tile lies.
  Halves add_up_halves(const Tile& tile, Buffer& lower, Buffer& upper) const {
    const Sums low = place(tile, lower, false), high = place(tile, upper, false);
    pack_(between(tile, low));
    exact_target().halve(low.at, high.at, tile.lines * low.line, is_signed_);
    for (const Sums& sums : {low, high}) {
      begin_with_zero(sums);
      packed_.rows[int(Store::inclusive)](piece_of(sums));
    }
    return {low, high.at};
  }

  const int64_t x_size_;
  const bool is_long_, is_signed_;
  bool (*const within_)(const char*, int64_t, int64_t, Range);
  const PairKernels& direct_;  // of the elements as they are
  const PairKernels& packed_;
  const ScanPiece pack_;
};

// Lines side by side, elements [begin, begin + length) of each.
struct Share {
  const char* x;
  char* y;
  const char* initial;
  int64_t lines, length;
};

// One call under way. Each line's sums go through one worker, or, where the axis is shared out,
// each block is surveyed by itself first.
class Exact {
 public:
  Exact(const Problem& problem, Range range, const char* x, char* y, const char* initial)
      : plan_(make_plan(problem, current_target())),
        adder_(problem.x_dtype),
        store_(current_target().copy[int(DType::int64)][int(problem.y_dtype)]),
        x_(x + plan_.x_offset),
        y_(y + plan_.y_offset),
        initial_(initial),
        range_(range),
        exclusive_(plan_.kind == Kind::exclusive) {
    if (plan_.split) surveys_.assign(plan_.units * plan_.panel, untouched);
  }

  bool fits() {
    run(&Exact::survey);
    if (!plan_.split) return !exceeded_;
    return add_up_blocks();
  }

  void saturate() {
    if (plan_.split) {
      run(&Exact::survey);
      add_up_blocks();
    }
    run(&Exact::clamp);
  }

 private:
  using Task = void (Exact::*)(int64_t index);

  void run(Task task) {
    task_ = task;
    next_ = 0;
    run_parallel(plan_.workers, &Exact::work, this);
  }

  static void work(void* self, int) noexcept {
    Exact& exact = *static_cast<Exact*>(self);
    const Plan& plan = exact.plan_;
    while (!exact.exceeded_.load(std::memory_order_relaxed)) {
      const int64_t first = exact.next_.fetch_add(plan.grain, std::memory_order_relaxed);
      if (first >= plan.units) return;
      const int64_t last = std::min(first + plan.grain, plan.units);
      for (int64_t index = first; index < last; ++index) (exact.*exact.task_)(index);
    }
  }

  Share place(int64_t index) const {
    const int64_t begin = index % plan_.blocks * plan_.block, rest = index / plan_.blocks;
    const int64_t line = rest % plan_.panels * plan_.panel;
    Share share{x_, y_, initial_, std::min(plan_.panel, plan_.inner.size - line),
                std::min(plan_.block, plan_.scan.size - begin)};
    move(share, plan_.inner, line);
    move(share, plan_.scan, begin);
    int64_t outer = rest / plan_.panels;
    for (int d = plan_.outer_dims - 1; d >= 0; --d) {
      move(share, plan_.outer[d], outer % plan_.outer[d].size);
      outer /= plan_.outer[d].size;
    }
    return share;
  }

  static void move(Share& share, const Axis& axis, int64_t count) {
    share.x += count * axis.x_stride;
    share.y += count * axis.y_stride;
    share.initial += count * axis.initial_stride;
  }

  Wide first_sum(const Share& share, int64_t line) const {
    return plan_.carried ? read_wide(share.initial + line * plan_.inner.initial_stride) : 0;
  }

  int64_t lines_together(const Share& share, int64_t line) const {
    const int64_t longest = columns_ ? 1 : std::min(share.length, exact_length);
    return std::min({share.lines - line, exact_lines, exact_elements / longest});
  }

  // The tile at element `begin` of some lines, as long as it may be.
  Tile tile_at(const Share& share, int64_t line, int64_t begin) const {
    Tile tile;
    tile.x = share.x + line * plan_.inner.x_stride + begin * plan_.scan.x_stride;
    tile.x_scan = plan_.scan.x_stride;
    tile.x_line = plan_.inner.x_stride;
    tile.lines = lines_together(share, line);
    tile.length = std::min({share.length - begin, exact_length, exact_elements / tile.lines});
    tile.columns = columns_;
    return tile;
  }

  void survey(int64_t index) {
    const Share share = place(index);
    Survey own[exact_lines];
    for (int64_t line = 0; line < share.lines;) {
      const int64_t lines = lines_together(share, line);
      Survey* const surveys = plan_.split ? &surveys_[index * plan_.panel + line] : own;
      for (int64_t i = 0; i < lines && !plan_.split; ++i) {
        surveys[i] = {first_sum(share, line + i), widest, -widest};
      }
      for (int64_t i = 0; i < share.length;) {
        const Tile tile = tile_at(share, line, i);
        adder_.survey(tile, exclusive_, surveys);
        i += tile.length;
      }
      for (int64_t i = 0; i < lines && !plan_.split; ++i) {
        if (!fits(surveys[i])) exceeded_ = true;
      }
      line += lines;
    }
  }

  bool fits(const Survey& line) const {
    return line.least >= range_.least && line.most <= range_.most;
  }

  // The sum in each block's survey becomes the sum of all before it; whether all sums fit.
  bool add_up_blocks() {
    bool all_fit = true;
    for (int64_t index = 0; index < plan_.units; index += plan_.blocks) {
      const Share share = place(index);
      for (int64_t line = 0; line < share.lines; ++line) {
        Wide sum = first_sum(share, line);
        for (int64_t block = 0; block < plan_.blocks; ++block) {
          Survey& survey = surveys_[(index + block) * plan_.panel + line];
          all_fit &= fits({sum, sum + survey.least, sum + survey.most});
          sum += survey.sum;
          survey.sum = sum - survey.sum;
        }
      }
    }
    return all_fit;
  }

  void clamp(int64_t index) {
    const Share share = place(index);
    Wide sums[exact_lines];
    for (int64_t line = 0; line < share.lines;) {
      const int64_t lines = lines_together(share, line);
      for (int64_t i = 0; i < lines; ++i) {
        sums[i] =
            plan_.split ? surveys_[index * plan_.panel + line + i].sum : first_sum(share, line + i);
      }
      for (int64_t i = 0; i < share.length;) {
        const Tile tile = tile_at(share, line, i);
        char* const y = share.y + line * plan_.inner.y_stride + i * plan_.scan.y_stride;
        adder_.clamp(tile, exclusive_, range_, sums, [&](Piece piece) {
          piece.y = y;
          piece.y_scan = plan_.scan.y_stride;
          piece.y_line = plan_.inner.y_stride;
          store_(piece);
        });
        i += tile.length;
      }
      line += lines;
    }
  }

  const Plan plan_;
  const bool columns_ = plan_.walk == Walk::columns;
  const Adder adder_;
  const ScanPiece store_;
  const char* const x_;
  char* const y_;
  const char* const initial_;
  const Range range_;
  const bool exclusive_;
  std::vector<Survey> surveys_;  // of each block's lines, where the axis is shared out
  Task task_ = nullptr;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> exceeded_{false};
};

// The first sum of one line that does not fit; the position is -1 if all do.
Excess find_in_line(const Adder& adder, Tile line, Wide first, Range range, bool exclusive) {
  auto fits = [range](Wide sum) { return sum >= range.least && sum <= range.most; };
  Survey so_far{first, widest, -widest};
  const int64_t length = line.length;
  for (int64_t i = 0; i < length; i += line.length) {
    line.length = std::min(exact_length, length - i);
    Survey next = so_far;
    adder.survey(line, exclusive, &next);
    if (!fits(next.least) || !fits(next.most)) {  // look at each
      line.length = 1;
      for (int64_t j = i;; ++j, line.x += line.x_scan) {
        const Wide before = so_far.sum;
        adder.survey(line, exclusive, &so_far);
        const Wide sum = exclusive ? before : so_far.sum;
        if (!fits(sum)) return {0, j, sum};
      }
    }
    so_far = next;
    line.x += line.length * line.x_scan;
  }
  return {0, -1, 0};
}

// All elements in any order: along one axis, for each place on the others.
class Runs {
 public:
  Runs(DType dtype, int dims, const int64_t* shape, const int64_t* strides, const char* x,
       Range range)
      : within_(exact_target().within[static_cast<int>(dtype)]),
        size_(item_size(dtype)),
        x_(x),
        range_(range) {
    for (int d = 0; d < dims; ++d) {
      if (shape[d] == 1 || strides[d] == 0) continue;  // a repeated element need not be seen again
      if (strides[d] < 0) x_ += (shape[d] - 1) * strides[d];
      axes_[count_++] = {std::abs(strides[d]), shape[d]};
    }
    std::sort(axes_, axes_ + count_);
    int kept = 0;
    for (int i = 0; i < count_; ++i) {
      if (kept && axes_[kept - 1].stride * axes_[kept - 1].size == axes_[i].stride) {
        axes_[kept - 1].size *= axes_[i].size;
      } else {
        axes_[kept++] = axes_[i];
      }
    }
    if (kept == 0) axes_[kept++] = {size_, 1};
    count_ = kept;
    pieces_ = (axes_[0].size + longest - 1) / longest;
    units_ = pieces_;
    for (int i = 1; i < count_; ++i) units_ *= axes_[i].size;
  }

  bool all_within(int threads) {
    const int64_t run = std::min(longest, axes_[0].size) * size_;
    grain_ = std::max<int64_t>(1, policy::claim_bytes / run);
    const int64_t claims = (units_ + grain_ - 1) / grain_;
    const bool alone = units_ * run < policy::parallel_bytes;
    run_parallel(alone ? 1 : static_cast<int>(std::min<int64_t>(threads, claims)), &Runs::work,
                 this);
    return !outside_;
  }

 private:
  static constexpr int64_t longest = 1 << 15;
  struct Line {
    int64_t stride, size;
    auto operator<=>(const Line&) const = default;
  };

  static void work(void* self, int) noexcept {
    Runs& runs = *static_cast<Runs*>(self);
    while (!runs.outside_.load(std::memory_order_relaxed)) {
      const int64_t first = runs.next_.fetch_add(runs.grain_, std::memory_order_relaxed);
      if (first >= runs.units_) return;
      const int64_t last = std::min(first + runs.grain_, runs.units_);
      for (int64_t index = first; index < last; ++index) {
        if (!runs.is_within(index)) runs.outside_ = true;
      }
    }
  }

  bool is_within(int64_t index) const {
    const int64_t begin = index % pieces_ * longest;
    const char* x = x_ + begin * axes_[0].stride;
    index /= pieces_;
    for (int i = 1; i < count_; ++i) {
      x += index % axes_[i].size * axes_[i].stride;
      index /= axes_[i].size;
    }
    return within_(x, axes_[0].stride, std::min(longest, axes_[0].size - begin), range_);
  }

  bool (*const within_)(const char*, int64_t, int64_t, Range);
  const int64_t size_;
  const char* x_;
  const Range range_;
  Line axes_[most_dims];  // those that continue each other as one, narrow strides first
  int count_ = 0;
  int64_t pieces_, units_, grain_ = 1;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> outside_{false};
};

}  // namespace

Range range_of(DType dtype) {
  if (dtype == DType::boolean) return {0, 1};
  const int bits = 8 * item_size(dtype);
  const bool is_signed = int(dtype) % 2 == 0;  // uint8, int8, uint16, ...
  if (is_signed) return {-(Wide{1} << (bits - 1)), (Wide{1} << (bits - 1)) - 1};
  return {0, (Wide{1} << bits) - 1};
}

std::optional<Excess> find_excess(const Problem& problem, const char* x, const char* initial) {
  const Range range = range_of(problem.y_dtype);
  Problem only_read = problem;  // planned for the layout of x alone
  only_read.y_dtype = problem.x_dtype;
  only_read.y_strides = problem.x_strides;
  if (Exact(only_read, range, x, const_cast<char*>(x), initial).fits()) return std::nullopt;
  const Adder adder(problem.x_dtype);
  const bool reverse = problem.direction == Direction::reverse;
  const bool exclusive = problem.kind == Kind::exclusive;
  const int64_t size = problem.shape[problem.axis], stride = problem.x_strides[problem.axis];
  const Tile line{
      x + (reverse ? (size - 1) * stride : 0), reverse ? -stride : stride, 0, size, 1, false};
  int64_t index[most_dims] = {};
  for (int64_t number = 0;; ++number) {
    int64_t x_at = 0, initial_at = 0;
    for (int d = 0; d < problem.dims; ++d) {
      x_at += index[d] * problem.x_strides[d];
      if (initial) initial_at += index[d] * problem.initial_strides[d];
    }
    Tile at = line;
    at.x += x_at;
    const Wide first = initial ? read_wide(initial + initial_at) : 0;
    Excess excess = find_in_line(adder, at, first, range, exclusive);
    if (excess.position >= 0) {
      if (reverse) excess.position = size - 1 - excess.position;
      excess.line = number;
      return excess;
    }
    int d = problem.dims - 1;
    for (; d >= 0; --d) {
      if (d != problem.axis && ++index[d] < problem.shape[d]) break;
      index[d] = 0;
    }
    if (d < 0) return std::nullopt;  // the memory changed meanwhile
  }
}

void saturate(const Problem& problem, const char* x, char* y, const char* initial) {
  Exact(problem, range_of(problem.y_dtype), x, y, initial).saturate();
}

bool all_within(DType dtype, int dims, const int64_t* shape, const int64_t* strides, const char* x,
                Range range, int threads) {
  return Runs(dtype, dims, shape, strides, x, range).all_within(threads);
}

}  // namespace cumsum
