/** Quantities for people: durations, bytes, counts. */

/** "8 s", "3 min 20 s", "2 h 5 min". */
export function seconds(value: number): string {
  const whole = Math.max(0, Math.round(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

/** "512 bytes", "4.5 MiB". */
export function bytes(value: number): string {
  if (value < 1024) return `${value} bytes`;
  const unit = value < 2 ** 20 ? "KiB" : value < 2 ** 30 ? "MiB" : "GiB";
  const size = value / { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit];
  return `${size < 10 ? size.toFixed(2) : size.toFixed(1)} ${unit}`;
}

/** "1 picture", "3 pictures". */
export function count(value: number, noun: string): string {
  return `${value.toLocaleString("en-US")} ${noun}${value === 1 ? "" : "s"}`;
}
