export const reportPage = (r: unknown) => String(r);
