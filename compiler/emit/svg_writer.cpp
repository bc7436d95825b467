#include "compiler/emit/svg_writer.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr double kLabelHeight = 10;
constexpr std::array<const char*, 6> kColours = {"#7fb2e5", "#f2b77c", "#9bd19b",
                                                 "#d9a3d9", "#e8d47a", "#b8b8e8"};

}  // namespace

std::string svg_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::string svg_escaped(const std::string& text) {
  std::string result;
  for (const char c : printable_line(text)) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string svg_document(double width, double height, const std::string& title,
                         const std::string& content) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + svg_number(width) + "\" height=\"" +
         svg_number(height) +
         "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"11\">\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
         "<text x=\"8\" y=\"16\" font-size=\"13\">" +
         svg_escaped(title) + "</text>\n" + content + "</svg>\n";
}

std::string svg_text(double x, double y, const std::string& attributes, const std::string& text) {
  return "<text x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) + "\"" +
         (attributes.empty() ? "" : " " + attributes) + ">" + svg_escaped(text) + "</text>";
}

double SvgTimeScale::x_of(int64_t time_ns) const {
  return left +
         width * static_cast<double>(time_ns) / static_cast<double>(std::max<int64_t>(end_ns, 1));
}

std::string svg_time_axis(const SvgTimeScale& scale, double top, double bottom) {
  int64_t tick_ns = 1;
  while (tick_ns * 10 < scale.end_ns) tick_ns *= 10;
  if (scale.end_ns / tick_ns < 3) tick_ns = std::max<int64_t>(1, tick_ns / 5);
  std::string text;
  for (int64_t time_ns = 0; time_ns <= scale.end_ns; time_ns += tick_ns) {
    const std::string x = svg_number(scale.x_of(time_ns));
    text += "<line x1=\"" + x + "\" y1=\"" + svg_number(top - 6) + "\" x2=\"" + x + "\" y2=\"" +
            svg_number(bottom) + "\" stroke=\"#dddddd\"/>" +
            svg_text(scale.x_of(time_ns), top - 10, "text-anchor=\"middle\" fill=\"#666666\"",
                     format_duration(time_ns)) +
            "\n";
  }
  return text;
}

std::string svg_box(const SvgBox& box) {
  std::string text = "<g><title>" + svg_escaped(box.tooltip) + "</title><rect x=\"" +
                     svg_number(box.x) + "\" y=\"" + svg_number(box.y) + "\" width=\"" +
                     svg_number(box.width) + "\" height=\"" + svg_number(box.height) +
                     "\" rx=\"2\" fill=\"" + box.fill +
                     "\" stroke=\"#555555\" stroke-width=\"0.5\"/>";
  const auto num_chars = static_cast<size_t>(std::max(0.0, (box.width - 4) / kSvgCharWidth));
  if (box.height >= kLabelHeight && num_chars >= std::min<size_t>(box.label.size(), 3)) {
    text += svg_text(box.x + 2, box.y + box.height / 2 + 4, "", box.label.substr(0, num_chars));
  }
  return text + "</g>\n";
}

const char* svg_colour(int64_t number) {
  return kColours[static_cast<size_t>(number) % kColours.size()];
}

}  // namespace graphc
