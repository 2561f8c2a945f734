/** The cookie that keeps the sidebar narrow; the server reads it so that the first paint is right. */
export const SIDEBAR_COOKIE = 'gantry-sidebar'
