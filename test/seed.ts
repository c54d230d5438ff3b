/** The seed of tests that draw damage by chance: LSMCTL_SEED, else another one each time, but in CI, where a run must be the same again. */
export const seed = Number(process.env.LSMCTL_SEED ?? (process.env.CI ? 8 : Math.floor(Math.random() * 1e9)));
