/** What is known of `attentionTiled` before it is loaded: threads that share a query. */
export const threadsOfQuery = 4;
