export interface Point {
  readonly x: number;
  readonly y: number;
  /** How many observations it stands for. */
  readonly weight: number;
}

export interface Line {
  readonly meanX: number;
  readonly meanY: number;
  readonly slope: number;
  /** Standard error of the slope. */
  readonly slopeError: number;
}

/** The straight line through points by weighted least squares; null when they do not span one. */
export function fitLine(points: readonly Point[]): Line | null {
  if (points.length < 3) return null;
  let weight = 0;
  let meanX = 0;
  let meanY = 0;
  for (const point of points) {
    weight += point.weight;
    meanX += point.x * point.weight;
    meanY += point.y * point.weight;
  }
  meanX /= weight;
  meanY /= weight;
  let spread = 0;
  let together = 0;
  for (const { x, y, weight: each } of points) {
    spread += each * (x - meanX) ** 2;
    together += each * (x - meanX) * (y - meanY);
  }
  if (spread === 0) return null;
  const slope = together / spread;
  const residual = points.reduce(
    (sum, { x, y, weight: each }) => sum + each * (y - meanY - slope * (x - meanX)) ** 2,
    0,
  );
  return { meanX, meanY, slope, slopeError: Math.sqrt(residual / (points.length - 2) / spread) };
}
