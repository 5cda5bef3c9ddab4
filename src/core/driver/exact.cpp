#include "exact.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <vector>

#include "adder.h"
#include "policy.h"
#include "pool.h"
#include "target.h"

namespace cumsum {
namespace {

constexpr Survey untouched{0, widest, -widest};

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
  Exact(const Problem& problem, Range range, const char* x, char* y, const char* initial,
        Patience& patience)
      : plan_(make_plan(problem, current_target())),
        adder_(problem.x_dtype),
        store_(current_target().copy[int(DType::int64)][int(problem.y_dtype)]),
        x_(x + plan_.x_offset),
        y_(y + plan_.y_offset),
        initial_(initial),
        range_(range),
        exclusive_(plan_.kind == Kind::exclusive),
        patience_(patience) {
    if (plan_.split) surveys_.assign(plan_.units * plan_.panel, untouched);
  }

  bool fits() {
    run(&Exact::survey);
    if (!plan_.split || patience_.is_over(-1)) return !exceeded_;
    return add_up_blocks();
  }

  void saturate() {
    if (plan_.split) {
      run(&Exact::survey);
      if (patience_.is_over(-1)) return;
      add_up_blocks();
    }
    run(&Exact::clamp);
  }

 private:
  using Task = void (Exact::*)(int64_t index, int worker);

  void run(Task task) {
    task_ = task;
    next_ = 0;
    run_parallel(plan_.workers, &Exact::work, this, patience_);
  }

  static void work(void* self, int worker) noexcept {
    Exact& exact = *static_cast<Exact*>(self);
    const Plan& plan = exact.plan_;
    while (!exact.exceeded_.load(std::memory_order_relaxed)) {
      const int64_t first = exact.next_.fetch_add(plan.grain, std::memory_order_relaxed);
      if (first >= plan.units || exact.patience_.is_over(worker)) return;
      const int64_t last = std::min(first + plan.grain, plan.units);
      for (int64_t index = first; index < last; ++index) (exact.*exact.task_)(index, worker);
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
    const int64_t longest = columns_ ? 1 : std::min(share.length, policy::exact_length);
    return std::min({share.lines - line, policy::exact_lines, policy::exact_elements / longest});
  }

  // The tile at element `begin` of some lines, as long as it may be.
  Tile tile_at(const Share& share, int64_t line, int64_t begin) const {
    Tile tile;
    tile.x = share.x + line * plan_.inner.x_stride + begin * plan_.scan.x_stride;
    tile.x_scan = plan_.scan.x_stride;
    tile.x_line = plan_.inner.x_stride;
    tile.lines = lines_together(share, line);
    tile.length =
        std::min({share.length - begin, policy::exact_length, policy::exact_elements / tile.lines});
    tile.columns = columns_;
    return tile;
  }

  void survey(int64_t index, int worker) {
    const Share share = place(index);
    Survey own[policy::exact_lines];
    Adder::Buffer buffer;
    for (int64_t line = 0; line < share.lines;) {
      const int64_t lines = lines_together(share, line);
      Survey* const surveys = plan_.split ? &surveys_[index * plan_.panel + line] : own;
      for (int64_t i = 0; i < lines && !plan_.split; ++i) {
        surveys[i] = {first_sum(share, line + i), widest, -widest};
      }
      for (int64_t i = 0; i < share.length;) {
        const Tile tile = tile_at(share, line, i);
        adder_.survey(tile, exclusive_, surveys, buffer);
        i += tile.length;
        if (patience_.is_over(worker, tile.length * lines)) return;
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

  void clamp(int64_t index, int worker) {
    const Share share = place(index);
    Wide sums[policy::exact_lines];
    Adder::Buffer buffer;
    for (int64_t line = 0; line < share.lines;) {
      const int64_t lines = lines_together(share, line);
      for (int64_t i = 0; i < lines; ++i) {
        sums[i] =
            plan_.split ? surveys_[index * plan_.panel + line + i].sum : first_sum(share, line + i);
      }
      for (int64_t i = 0; i < share.length;) {
        const Tile tile = tile_at(share, line, i);
        Piece piece = adder_.clamp(tile, exclusive_, range_, sums, buffer);
        piece.y = share.y + line * plan_.inner.y_stride + i * plan_.scan.y_stride;
        piece.y_scan = plan_.scan.y_stride;
        piece.y_line = plan_.inner.y_stride;
        store_(piece);
        i += tile.length;
        if (patience_.is_over(worker, tile.length * lines)) return;
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
  Patience& patience_;
  std::vector<Survey> surveys_;  // of each block's lines, where the axis is shared out
  Task task_ = nullptr;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> exceeded_{false};
};

}  // namespace

Range range_of(DType dtype) {
  if (dtype == DType::boolean) return {0, 1};
  const int bits = 8 * item_size(dtype);
  const bool is_signed = int(dtype) % 2 == 0;  // uint8, int8, uint16, ...
  if (is_signed) return {-(Wide{1} << (bits - 1)), (Wide{1} << (bits - 1)) - 1};
  return {0, (Wide{1} << bits) - 1};
}

bool all_fit(const Problem& problem, const char* x, const char* initial, Patience& patience) {
  Problem only_read = problem;  // planned for the layout of x alone
  only_read.y_dtype = problem.x_dtype;
  only_read.y_strides = problem.x_strides;
  char* const nowhere = const_cast<char*>(x);
  return Exact(only_read, range_of(problem.y_dtype), x, nowhere, initial, patience).fits();
}

Status saturate(const Problem& problem, const char* x, char* y, const char* initial,
                Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  try {
    Exact(problem, range_of(problem.y_dtype), x, y, initial, patience).saturate();
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
  return patience.status(problem.in_place);
}

}  // namespace cumsum
