/** A book 账套, by its jurisdiction's GB/T 2260 code as a number; 0 is the region. */
export type Book = number
export const REGION: Book = 0
