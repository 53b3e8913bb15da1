/** Sets of features to start from; each has all that the one before it has. */
export const featureSets = ['minimal', 'default', 'full'] as const;
export type FeatureSet = (typeof featureSets)[number];
