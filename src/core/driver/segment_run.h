// A segmented scan under way: what its workers share, and what each has for itself.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "segments.h"

namespace cumsum {

// The workers claim units: lines, and of them the segments that begin in a block of the axis.
class SegmentRun {
 public:
  SegmentRun(const Plan& plan, const Problem& problem, const Segments& segments,
             const Kernels& kernels, const Operands& operands, Interrupted interrupted,
             void* context);

  Status operator()(int threads);

  // The segments that were left out, as all lines of one of them are worth a scan of their own.
  const std::vector<int64_t>& long_segments() const { return long_; }

 private:
  struct Lines {  // taken together, from their first elements
    const char* x;
    char* y;
    const char* initial;
    int64_t count;
    bool first;  // of all lines
  };
  struct Space {
    std::vector<char> carry, chain, stage;
  };

  static void work(void* self, int worker) noexcept;
  Lines place(int64_t index) const;
  void scan_unit(Space& space, int64_t index);
  void scan_lines(Space& space, const Lines& lines, int64_t first, int64_t last);
  void scan_some(Space& space, const Lines& line, int64_t first, int64_t last, char* y,
                 bool stream);
  void scan_segment(Space& space, const Lines& lines, int64_t segment, char* y, bool stream);
  void scan_in_stages(Space& space, const Lines& line, int64_t segment);
  Piece piece_of(Space& space, const Lines& lines, int64_t segment, char* y) const;
  void set_carries(Space& space, const Lines& lines) const;
  bool can_stream(const Piece& piece) const;
  void flush(char* y, const char* stage, int64_t bytes) const;
  bool leave_out(const Lines& lines, int64_t segment);

  int64_t begin_of(int64_t segment) const { return segments_.offsets[segment]; }
  int64_t length_of(int64_t segment) const { return begin_of(segment + 1) - begin_of(segment); }
  bool is_long(int64_t segment) const { return length_of(segment) >= longest_; }
  int64_t first_from(int64_t element) const;  // the first segment that begins there or behind

  const Plan& plan_;
  const Segments& segments_;
  const Kernels& kernels_;
  const Operands at_;
  const KernelSet& set_;
  const bool columns_, reverse_, exclusive_, staged_;
  const int64_t x_size_, y_size_, x_scan_, y_scan_;  // of elements, and from one to the next
  const int64_t channels_;
  const ScanPiece scan_;
  const ScanShort scan_short_;  // null where it has nothing for these
  const int64_t panel_, panels_, block_, blocks_, units_, grain_, stage_, longest_;
  Patience patience_;
  std::vector<Space> spaces_;
  std::mutex mutex_;
  std::vector<int64_t> long_;
  std::atomic<int64_t> next_{0};
};

}  // namespace cumsum
