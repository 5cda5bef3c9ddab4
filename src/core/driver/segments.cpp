// Workers claim lines, and of them the segments that begin in a block of the axis. Those of many
// elements, all lines taken together, are left for later: each is then a scan of its own, whose
// axis may be shared out.
#include "segments.h"

#include <algorithm>
#include <cstring>

#include "claims.h"
#include "policy.h"
#include "sizes.h"
#include "target.h"

namespace cumsum {

Status find_fault(const int64_t* offsets, int64_t segments, int64_t size, int threads,
                  int64_t& fault, Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  std::atomic<int64_t> found{segments + 1};
  const auto spacing = current_target().spacing;
  const auto look = [&](int, int64_t first, int64_t last) {
    if (spacing(offsets + first, last - first) >= 0) return true;
    int64_t at = first;
    while (at + 1 < last && offsets[at + 1] >= offsets[at]) ++at;
    for (int64_t least = found; at + 1 < least;) {
      if (found.compare_exchange_weak(least, at + 1)) break;
    }
    return true;
  };
  const int64_t share = sizes().claim / int64_t{sizeof(int64_t)};
  const bool small = segments * int64_t{sizeof(int64_t)} < policy::parallel_bytes;
  claim_all(small ? 1 : threads, segments, share, patience, look, [] {});
  fault = offsets[segments] == size ? -1 : segments;
  if (found <= segments) fault = found;
  if (offsets[0] != 0) fault = 0;
  return patience.status(false);
}

int64_t Run::first_from(int64_t element) const {
  const int64_t* const offsets = request_.offsets;
  return std::lower_bound(offsets, offsets + request_.segments, element) - offsets;
}

namespace {

// Those of `count` segments, read once and, if they have changed by now, kept within the axis. The
// length of all of them, or 0 if they have several.
int64_t read_offsets(const Request& request, const Kernels& kernels, int64_t first, int64_t count,
                     int64_t* offsets) {
  std::memcpy(offsets, request.offsets + first, (count + 1) * sizeof(int64_t));
  const int64_t size = request.shape[request.axis];
  const int64_t spacing = kernels.spacing(offsets, count);
  if (spacing >= 0 && offsets[count] <= size) return spacing;
  for (int64_t i = 0; i <= count; ++i) {
    offsets[i] = std::clamp(offsets[i], i > 0 ? offsets[i - 1] : 0, size);
  }
  return 0;
}

}  // namespace

// Those that begin in the item's block, as it is in memory.
void Run::scan_segments(int worker, const Item& item) {
  const bool last_block = item.begin + plan_.block >= plan_.scan.size;
  const int64_t first = first_from(item.begin);
  const int64_t last = last_block ? request_.segments : first_from(item.begin + plan_.block);
  if (!scan_short_) {
    for (int64_t s = first; s < last; ++s) {
      const Cut cut = cut_at(request_, s);
      if (cut.length() > 0 && !is_left(item, cut)) scan_whole(worker, segment_of(item, cut));
    }
    return;
  }
  int64_t offsets[policy::segments_together + 1];
  for (int64_t s = first, count; s < last; s += count) {
    count = std::min(policy::segments_together, last - s);
    const int64_t length = read_offsets(request_, kernels_, s, count, offsets);
    if (plan_.in_place) {
      scan_by_stage(worker, item, offsets, count);
    } else if (length > 0 && length < longest_) {
      scan_even(item, offsets[0], length, count);
    } else {
      scan_some(worker, item, offsets, count);
    }
  }
}

// Whether a segment is left for later; that is written down where its first line is met.
bool Run::is_left(const Item& item, Cut cut) {
  if (cut.length() < longest_) return false;
  if (item.first) {
    const std::lock_guard<std::mutex> lock(mutex_);
    long_.push_back(cut);
  }
  return true;
}

// One segment of an item's lines, whose elements are counted in the order of the scan.
Item Run::segment_of(const Item& item, Cut cut) const {
  Item one = item;
  one.length = cut.length();
  one.begin = plan_.reverse ? plan_.scan.size - cut.end : cut.begin;
  one.origin = one.begin;
  return one;
}

// Results that lie over the input: as many segments at a time as the stage holds, up to one that is
// left for later, as what the stage has in its place is not its result.
void Run::scan_by_stage(int worker, const Item& line, const int64_t* offsets, int64_t count) {
  char* const y = line.y - plan_.y_offset;  // of the first element in memory
  Workspace& space = workspaces_[worker];
  const int64_t most = space.stage.size() / y_size_;
  for (int64_t s = 0, next; s < count; s = next) {
    const int64_t begin = offsets[s];
    const auto fits = [&](int64_t i) {
      return offsets[i + 1] - offsets[i] < longest_ && offsets[i + 1] <= begin + most;
    };
    for (next = s; next < count && fits(next); ++next) {
    }
    if (next > s) {
      Item there = line;
      there.y = space.stage.data() - begin * y_size_ + plan_.y_offset;
      scan_some(worker, there, offsets + s, next - s);
      std::memcpy(y + begin * y_size_, space.stage.data(), (offsets[next] - begin) * y_size_);
    } else {
      const Cut cut{begin, offsets[++next]};
      if (!is_left(line, cut)) scan_whole(worker, segment_of(line, cut));
    }
  }
}

// Segments of one length, which are rows; or one row, where they have one element.
void Run::scan_even(const Item& line, int64_t begin, int64_t length, int64_t count) const {
  const int64_t back = plan_.reverse ? length - 1 : 0, x_size = item_size(plan_.x_dtype);
  Piece piece{};
  piece.x = line.x - plan_.x_offset + (begin + back) * x_size;
  piece.y = line.y - plan_.y_offset + (begin + back) * y_size_;
  piece.x_line = length * x_size;
  piece.y_line = length * y_size_;
  piece.length = length;
  piece.lines = count;
  piece.exclusive = plan_.exclusive;
  if (length > 1) return scan_(piece);
  piece.lines *= set_.channels;
  set_.scan[int(Walk::columns)](piece);
}

// One line that lies along the axis. Segments are counted from its first element in memory, items
// from the first of the scan.
void Run::scan_some(int worker, const Item& line, const int64_t* offsets, int64_t count) {
  ShortSegments some{line.x - plan_.x_offset, line.y - plan_.y_offset, offsets, 0, count,
                     plan_.exclusive};
  for (; (some.first = scan_short_(some)) < count; ++some.first) {
    const Cut cut{offsets[some.first], offsets[some.first + 1]};
    if (!is_left(line, cut)) scan_whole(worker, segment_of(line, cut));
  }
}

namespace {

// One segment of all lines, as a request of its own.
Status scan_alone(Request request, Cut cut, const Kernels& kernels, Interrupted interrupted,
                  void* context) {
  int64_t shape[most_dims];
  std::copy_n(request.shape, request.dims, shape);
  shape[request.axis] = cut.length();
  request.shape = shape;
  request.offsets = nullptr;
  advance_by(request, cut.begin);
  return run(make_plan(request, kernels), kernels, request, interrupted, context);
}

}  // namespace

Status run_segments(const Plan& plan, const Kernels& kernels, const Request& request,
                    Interrupted interrupted, void* context) {
  std::vector<Cut> alone;
  const int64_t lines = plan.outer_size * plan.inner.size;
  if (lines * plan.scan.size / policy::least_segment >= request.segments) {
    for (int64_t s = 0; s < request.segments; ++s) {  // few, of many elements each
      if (const Cut cut = cut_at(request, s); cut.length() > 0) alone.push_back(cut);
    }
  } else {
    Run scan(plan, kernels, request, interrupted, context);
    if (const Status status = scan(); status != Status::done) return status;
    alone = scan.long_segments();
    std::sort(alone.begin(), alone.end(), [](Cut a, Cut b) { return a.begin < b.begin; });
  }
  for (const Cut cut : alone) {
    const Status status = scan_alone(request, cut, kernels, interrupted, context);
    if (status != Status::done) return status;
  }
  return Status::done;
}

}  // namespace cumsum
