/** The deploy form filled in for the image that set-up builds. */
export const SAMPLE_FORM =
  '/containers/new?image=gantry/sample&name=sample&hostname=sample&port=8080:8080'
