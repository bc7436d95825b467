#pragma once

#include <cstdint>
#include <string>

#include "compiler/vocabulary.h"

/// What pictures are made of: every function gives a piece of SVG, safe for any text.
namespace graphc {

inline constexpr double kSvgCharWidth = 6.2;  ///< of the font that svg_document sets, on average

/// A whole picture on white: a title above `content`, which begins below y = 24. Units: pixels.
std::string svg_document(double width, double height, const std::string& title,
                         const std::string& content);

std::string svg_number(double value);
std::string svg_escaped(const std::string& text);

/// A line of text that starts at (x, y). `attributes` go into the tag as they are.
std::string svg_text(double x, double y, const std::string& attributes, const std::string& text);

/// Times from 0 to end_ns, from left to right.
struct SvgTimeScale {
  double left = 0;
  double width = 0;
  int64_t end_ns = 0;

  double x_of(int64_t time_ns) const;
};

/// About ten vertical lines at a round distance, from above `top` to `bottom`, and their times.
std::string svg_time_axis(const SvgTimeScale& scale, double top, double bottom);

/// A rectangle with a tooltip, and as much of its label as fits; none where not even three letters
/// or their height do.
struct SvgBox {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  std::string fill;
  std::string label;
  std::string tooltip;
};
std::string svg_box(const SvgBox& box);

/// A colour for every number; neighbours differ.
const char* svg_colour(int64_t number);

}  // namespace graphc
