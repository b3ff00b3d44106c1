"""Hold the measures and typefaces of the lane diagram, in px."""

from forktrace.views.fonts import Face

MARGIN = 28.0
LANE = 6.0  # height of a lane
THIN = 2.0  # height of a lane whose process waits in vfork
UP = 19.0  # from a lane's line up to the row's edge, where no lane has text above it
UP_TEXT = 27.0  # the same where some have: for all, so that they stand regularly
DOWN = 19.0
DOWN_TEXT = 27.0
DOWN_THIRD = 33.0  # the same with a third line of names
GUTTER = 18.0  # between the names and the field
TIGHT = 13.0  # between two columns that belong together: birth and exec, death and adoption
CGROUP = 8.0  # from a column to the tick that shows a change of cgroup
CGROUP_TIGHT = 3.0  # the same where there is no room for its text
MIN_GAP, MAX_GAP, FILL_GAP = 16, 34, 200  # between any two columns
CLOSE_GAP, DENSE_GAP = 12, 7  # the same in a crowd
MARKS_GAP = 10.0  # between two on one lane, at least
FRAME_OUT = 13.0  # px that a container's frame stands out left and right
FRAME_TOP, FRAME_BOTTOM = 20.0, 7.0  # px that it adds to its first and its last row
WIDTH = 1600.0
LEAST_WIDTH = 700.0
TITLE_WIDTH = 1200.0  # to which a long title may widen a picture
MOST_CHARS, LEAST_CHARS = 60, 16  # of a command line: "conmon --version" has 16
LEAST_PATH = 12  # characters of a cgroup's path

TITLE = Face(15.5, bold=True, mono=True)
SUBTITLE = Face(12.0)
ID = Face(13.0, bold=True)
NAME = Face(13.0)
DETAIL = Face(11.0)
DETAIL_ARGV = Face(10.5, mono=True)
BADGE = Face(10.0)
BADGE_END = Face(10.0, bold=True)
FRAME = Face(11.0, bold=True)
ARGV = Face(11.5, mono=True)
END = Face(11.5, bold=True)
WORD = Face(10.5)
LEGEND = Face(11.5)
CAPTION = Face(11.5)

# Every class of text, so that a renderer sets it as it was measured.
FACES = {
    "title": TITLE,
    "subtitle": SUBTITLE,
    "id": ID,
    "name": NAME,
    "detail": DETAIL,
    "detail-argv": DETAIL_ARGV,
    "badge": BADGE,
    "badge-end": BADGE_END,
    "frame-name": FRAME,
    "argv": ARGV,
    "end": END,
    "word": WORD,
    "legend": LEGEND,
    "caption": CAPTION,
}
