// A QR code, as a part of the page: its policy permits no pictures made of text.
import encodeQR from "qr";

/** As wide as the empty frame that scanners need, in squares. */
const FRAME = 4;

export function QrCode({ text, label }: { text: string; label: string }) {
  const rows = encodeQR(text, "raw", { border: FRAME });
  const squares = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    <svg class="qr" viewBox={`0 0 ${rows.length} ${rows.length}`} role="img" aria-label={label}>
      <path d={squares.join("")} />
    </svg>
  );
}
