/** 100,000 damaged PyTorch files; npm test runs 10,000 others. */
import { expect, test } from "vitest";
import { fuzz } from "../support/pytorchFuzz.ts";
import { golden } from "../support/pytorchOpen.ts";

test("100,000 mutated pickles and zips", { timeout: 600_000 }, async () => {
  const goldens = [golden("wrapped-views.pt"), golden("hostile-raw.pkl"), golden("hostile-system.pt")];
  const { opened, refused, slowestMs } = await fuzz(1_000_000, 90_000, goldens);
  expect(opened + refused).toBe(90_000);
  expect(slowestMs).toBeLessThan(5_000);
  // torch.save's own network, 160 kB each.
  const large = await fuzz(2_000_000, 10_000, [golden("zip.pt"), golden("legacy.pt")]);
  expect(large.opened + large.refused).toBe(10_000);
  if (process.env.REPAINT_SHOW) console.log({ opened, refused, slowestMs }, large);
});
